import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { isIPv6 } from 'node:net'
import { join } from 'node:path'
import { AppError } from '../../kernel/errors.ts'
import { type Machine, machineNames, thisMachine } from '../access/allowed-hosts.ts'
import { authorityOf } from '../access/authority.ts'
import { deviceCertificate } from './device-certificate.ts'

/** The part of the configuration that matters here. */
export interface TlsSettings {
  readonly host: string
  readonly tls: 'auto' | 'files' | 'insecure'
  readonly certFile: string | null
  readonly keyFile: string | null
  readonly hosts: readonly string[]
}

export interface Tls {
  /** PEM; the chain behind the server's own certificate. */
  readonly certificate: string
  readonly key: string
  /** SHA-256 of the certificate that people see or trust: the authority's, where it is our own. `AB:CD:…` */
  readonly fingerprint: string
  /** Our own authority; null: the certificate is not of our making. */
  readonly authority: Authority | null
  /** Milliseconds since 1970; of the server's certificate. */
  readonly validFromMs: number
  readonly validToMs: number
  /** Names and addresses that the certificate is for. */
  readonly names: readonly string[]
  /** Names of this gateway that it is not for, as the authority may not vouch for them. */
  readonly leftOut: readonly string[]
}

interface Authority {
  readonly pem: string
  /** To be trusted on other machines. */
  readonly file: string
  /** It was made just now, so nobody trusts it yet. */
  readonly isNew: boolean
  /** It may speak for the names of this gateway and for private addresses alone. */
  readonly isConstrained: boolean
}

export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)

/** The certificate to listen with; undefined: plain HTTP, as nothing leaves the machine or the configuration says so. */
export async function loadTls(
  settings: TlsSettings,
  stateDir: string,
  { machine = thisMachine, wallTimeMs = Date.now() }: { machine?: Machine; wallTimeMs?: number } = {},
): Promise<Tls | undefined> {
  if (settings.tls === 'insecure' || (settings.tls === 'auto' && isLoopback(settings.host))) return undefined
  if (settings.tls === 'files') return filesTls(settings.certFile ?? '', settings.keyFile ?? '')
  const folder = join(stateDir, 'tls')
  try {
    const names = { names: tlsNames(settings, machine), spareNames: machine.spareNames?.() ?? [] }
    const made = await deviceCertificate(folder, names, wallTimeMs)
    const { key, certificate, authority, authorityFile, leftOut, isNew, isConstrained } = made
    return {
      ...datesAndNames(certificate),
      key,
      certificate,
      fingerprint: new X509Certificate(authority).fingerprint256,
      authority: { pem: authority, file: authorityFile, isNew, isConstrained },
      leftOut,
    }
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === undefined) throw cause
    const message = `the certificate in ${folder} cannot be read or written (${code}): give this user the right to, or free space`
    throw new AppError('storage_failed', message, { cause })
  }
}

/** All names and addresses by which the gateway may be asked over TLS. */
export function tlsNames({ hosts }: Pick<TlsSettings, 'hosts'>, machine: Machine): readonly string[] {
  const addresses = machine.addresses().filter(address => !isLinkLocal(address))
  return [...new Set([...machineNames(machine), '127.0.0.1', '::1', ...addresses, ...hosts])]
}

function datesAndNames(pem: string): Pick<Tls, 'validFromMs' | 'validToMs' | 'names'> {
  const { validFrom, validTo, subjectAltName = '' } = new X509Certificate(pem)
  const names = subjectAltName.split(', ').flatMap(each => {
    const [, kind, name = ''] = /^(DNS|IP Address):(.+)$/.exec(each) ?? []
    return kind === undefined ? [] : (authorityOf(name)?.host.replace(/^\[|\]$/g, '') ?? name)
  })
  return { validFromMs: Date.parse(validFrom), validToMs: Date.parse(validTo), names }
}

/** They need the name of an interface beside them, which no browser takes. */
const isLinkLocal = (address: string): boolean => isIPv6(address) && /^fe[89ab]/i.test(address)

async function filesTls(certFile: string, keyFile: string): Promise<Tls> {
  const [certificate, key] = await Promise.all([
    readPem('http.certFile', certFile),
    readPem('http.keyFile', keyFile),
  ])
  try {
    const leaf = new X509Certificate(certificate)
    if (!leaf.checkPrivateKey(createPrivateKey(key)))
      throw new Error('the key belongs to another certificate')
    const { fingerprint256: fingerprint } = leaf
    return { ...datesAndNames(certificate), certificate, key, fingerprint, authority: null, leftOut: [] }
  } catch (cause) {
    const message = `http.certFile and http.keyFile must be a certificate and its key as PEM: ${String((cause as Error).message)}`
    throw new AppError('config_invalid', message, { cause })
  }
}

async function readPem(key: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new AppError(
      'config_invalid',
      `${key} ${path} cannot be read (${code}): correct the path or its rights`,
      {
        cause,
      },
    )
  }
}
