import { type LookupAddress, lookup as resolve } from 'node:dns'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { isRefusedAddress } from './refused-address.ts'

export interface Posting {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  /** Host names and addresses to which anything may be sent, also this machine. */
  readonly allowHosts: readonly string[]
  readonly signal: AbortSignal
}

/** Nobody reads what a receiver says; so much of it is taken before the connection is cut. */
const maxAnswerBytes = 64 * 1024

/** Whether nothing may be sent to the host of this URL, as far as it says so itself. */
export function isRefusedUrl(url: string, allowHosts: readonly string[]): boolean {
  const host = bare(new URL(url).hostname)
  if (isAllowed(host, allowHosts)) return false
  return /(^|\.)localhost\.?$/i.test(host) || (isIP(host) !== 0 && isRefusedAddress(host))
}

/**
 * Posts it and resolves with the status of the answer. The address that was checked is the one that is connected to, so a name that
 * changes its mind in between gains nothing; redirects are answers like any other. Rejects with what went wrong.
 */
export function postMessage({ url, headers, body, allowHosts, signal }: Posting): Promise<number> {
  const target = new URL(url)
  if (isRefusedUrl(url, allowHosts)) return Promise.reject(refusal(target.hostname))
  const isFree = isAllowed(bare(target.hostname), allowHosts)
  const request = target.protocol === 'https:' ? httpsRequest : httpRequest
  return new Promise((done, fail) => {
    const outgoing = request(target, {
      method: 'POST',
      headers: { ...headers, 'content-length': String(body.byteLength) },
      agent: false,
      signal,
      ...(!isFree && { lookup: checkedLookup }),
    })
    outgoing.once('error', fail)
    outgoing.once('response', incoming => {
      let sizeBytes = 0
      incoming.on('data', (chunk: Buffer) => {
        sizeBytes += chunk.byteLength
        if (sizeBytes > maxAnswerBytes) incoming.destroy()
      })
      incoming.once('error', fail)
      incoming.once('close', () => done(incoming.statusCode ?? 0))
    })
    outgoing.end(body)
  })
}

/** Addresses of a name without those that are refused. */
const checkedLookup: LookupFunction = (hostname, options, callback) => {
  resolve(hostname, { ...options, all: true }, (error, found: LookupAddress[]) => {
    if (error !== null) return callback(error, [])
    const good = found.filter(({ address }) => !isRefusedAddress(address))
    const [first] = good
    if (first === undefined) return callback(refusal(hostname), [])
    if (options.all === true) callback(null, good)
    else callback(null, first.address, first.family)
  })
}

const refusal = (host: string): Error =>
  new Error(
    `${host} is this machine or not of the network. To allow it: webhooks.allowHosts in the configuration`,
  )

const bare = (host: string): string => host.replace(/^\[|\]$/g, '')

const isAllowed = (host: string, allowHosts: readonly string[]): boolean =>
  allowHosts.some(each => bare(each).toLowerCase() === host.toLowerCase())
