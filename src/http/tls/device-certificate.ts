import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import type { KeyAndCertificate } from './certificate.ts'
import { type NameConstraints, permits, readNameConstraints } from './name-constraints.ts'

/** The gateway's own authority and the certificate it has signed for the server, as PEM. */
export interface DeviceCertificate {
  readonly key: string
  /** Of the server, then of the authority. */
  readonly certificate: string
  readonly authority: string
  readonly authorityFile: string
  /** The authority was made just now: nobody trusts it yet. */
  readonly isNew: boolean
  /** Names that the authority may not vouch for, as they were not known when it was made. */
  readonly leftOut: readonly string[]
  /** false: the authority is of another hand, or older than the limits, and may speak for every name. */
  readonly isConstrained: boolean
}

const dayMs = 86_400_000
const authorityMs = 10 * 365 * dayMs
const serverMs = 90 * dayMs
/** A gateway that is started now and then still has a valid one. */
export const renewBeforeMs = 30 * dayMs
/** A Pi has no clock of its own: before this day it cannot be. */
const earliestMs = Date.UTC(2026, 0, 1)

/** Addresses that are nobody's on the internet: of private networks, of one link, of the machine itself. */
const lanNetworks = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '169.254.0.0/16',
  '127.0.0.0/8',
  'fc00::/7',
  'fe80::/10',
  '::1/128',
]

interface Pair {
  readonly key: string
  readonly certificate: X509Certificate
}

/**
 * Reads the certificate below `folder`, or makes what is missing, has less than 30 days left or lacks one of `names`. The
 * authority stays for ten years, so that people have to trust it once; it may speak for `names`, `spareNames` and the
 * addresses of private networks alone.
 */
export async function deviceCertificate(
  folder: string,
  { names, spareNames = [] }: { readonly names: readonly string[]; readonly spareNames?: readonly string[] },
  wallTimeMs: number,
): Promise<DeviceCertificate> {
  await mkdir(folder, { recursive: true, mode: 0o750 })
  const known = await readPair(folder, 'ca')
  // It cannot be earlier than the day on which the authority was made, whatever the clock says.
  const madeMs = known === undefined ? 0 : Date.parse(known.certificate.validFrom) + dayMs
  const nowMs = Math.max(wallTimeMs, earliestMs, madeMs)
  const isNew = known === undefined || !isValid(known, nowMs)
  const authority = isNew
    ? await newAuthority(folder, constraintsFor([...names, ...spareNames]), nowMs)
    : known
  const constraints = readNameConstraints(authority.certificate.raw)
  const may = (name: string) => constraints === undefined || permits(constraints, name)
  const permitted = names.filter(may)
  const found = await readPair(folder, 'server')
  const fits =
    found !== undefined &&
    isValid(found, nowMs) &&
    found.certificate.checkIssued(authority.certificate) &&
    covers(found, permitted)
  const server = fits ? found : await newServer(folder, authority, permitted, nowMs)
  const authorityPem = authority.certificate.toString()
  return {
    key: server.key,
    certificate: `${server.certificate.toString()}${authorityPem}`,
    authority: authorityPem,
    authorityFile: join(folder, 'ca.pem'),
    isNew,
    leftOut: names.filter(name => !may(name)),
    isConstrained: constraints !== undefined,
  }
}

function constraintsFor(names: readonly string[]): NameConstraints {
  const lan = { domains: [], networks: lanNetworks }
  const own = names
    .filter(name => isIP(name) !== 0 && !permits(lan, name))
    .map(name => name.replace(/%.*$/, ''))
  return {
    domains: [...new Set(names.filter(name => isIP(name) === 0).map(name => name.toLowerCase()))],
    networks: [...lanNetworks, ...own.map(address => `${address}/${isIP(address) === 6 ? 128 : 32}`)],
  }
}

const covers = ({ certificate }: Pair, names: readonly string[]): boolean =>
  names.every(
    name => (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined,
  )

const isValid = ({ certificate }: Pair, nowMs: number): boolean =>
  Date.parse(certificate.validFrom) <= nowMs && Date.parse(certificate.validTo) - renewBeforeMs > nowMs

/** undefined: it is missing, damaged, or for another key. */
async function readPair(folder: string, name: string): Promise<Pair | undefined> {
  try {
    const key = await readFile(join(folder, `${name}.key`), 'utf8')
    const certificate = new X509Certificate(await readFile(join(folder, `${name}.pem`)))
    return certificate.checkPrivateKey(createPrivateKey(key)) ? { key, certificate } : undefined
  } catch (error) {
    // Keys that may not be read are the administrator's to mend; a new authority would only hide it.
    if (['EACCES', 'EPERM'].includes(String((error as NodeJS.ErrnoException).code))) throw error
    return undefined
  }
}

/** What makes certificates takes 100 ms to load, and is needed once in two months. */
const maker = () => import('./certificate.ts')

async function newAuthority(folder: string, constraints: NameConstraints, nowMs: number): Promise<Pair> {
  const { makeAuthority } = await maker()
  const name = `pixelgate ${randomBytes(4).toString('hex')}`
  const validity = { fromMs: nowMs - dayMs, toMs: nowMs + authorityMs }
  return keep(folder, 'ca', await makeAuthority(name, constraints, validity))
}

async function newServer(
  folder: string,
  authority: Pair,
  names: readonly string[],
  nowMs: number,
): Promise<Pair> {
  const { makeServerCertificate } = await maker()
  const issuer = { key: authority.key, certificate: authority.certificate.toString() }
  const validity = { fromMs: nowMs - dayMs, toMs: nowMs + serverMs }
  return keep(folder, 'server', await makeServerCertificate(issuer, names, validity))
}

async function keep(folder: string, name: string, made: KeyAndCertificate): Promise<Pair> {
  await writeWhole(join(folder, `${name}.key`), made.key, 0o600)
  await writeWhole(join(folder, `${name}.pem`), made.certificate, 0o644)
  return { key: made.key, certificate: new X509Certificate(made.certificate) }
}

/** A cut in the middle leaves the old file. */
async function writeWhole(path: string, text: string, mode: number): Promise<void> {
  const fresh = `${path}.${randomBytes(4).toString('hex')}`
  await writeFile(fresh, text, { mode, flag: 'wx', flush: true })
  await rename(fresh, path)
}
