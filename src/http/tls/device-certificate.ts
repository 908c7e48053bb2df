import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import type { KeyAndCertificate } from './certificate.ts'

/** The gateway's own authority and the certificate it has signed for the server, as PEM. */
export interface DeviceCertificate {
  readonly key: string
  /** Of the server, then of the authority. */
  readonly certificate: string
  readonly authority: string
  readonly authorityFile: string
}

const dayMs = 86_400_000
const authorityMs = 10 * 365 * dayMs
const serverMs = 90 * dayMs
/** A gateway that is started now and then still has a valid one. */
const renewBeforeMs = 30 * dayMs
/** A Pi has no clock of its own: before this day it cannot be. */
const earliestMs = Date.UTC(2026, 0, 1)

interface Pair {
  readonly key: string
  readonly certificate: X509Certificate
}

/**
 * Reads the certificate below `folder`, or makes what is missing, has less than 30 days left or lacks one of `names`. The
 * authority stays for ten years, so that people have to trust it once.
 */
export async function deviceCertificate(
  folder: string,
  names: readonly string[],
  wallTimeMs: number,
): Promise<DeviceCertificate> {
  const nowMs = Math.max(wallTimeMs, earliestMs)
  await mkdir(folder, { recursive: true, mode: 0o750 })
  const authority = (await readValid(folder, 'ca', nowMs)) ?? (await newAuthority(folder, nowMs))
  const found = await readValid(folder, 'server', nowMs)
  const fits = found?.certificate.checkIssued(authority.certificate) === true && covers(found, names)
  const server = fits ? found : await newServer(folder, authority, names, nowMs)
  const authorityPem = authority.certificate.toString()
  return {
    key: server.key,
    certificate: `${server.certificate.toString()}${authorityPem}`,
    authority: authorityPem,
    authorityFile: join(folder, 'ca.pem'),
  }
}

const covers = ({ certificate }: Pair, names: readonly string[]): boolean =>
  names.every(
    name => (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined,
  )

/** undefined: it is missing, damaged, for another key, or over too soon. */
async function readValid(folder: string, name: string, nowMs: number): Promise<Pair | undefined> {
  try {
    const key = await readFile(join(folder, `${name}.key`), 'utf8')
    const certificate = new X509Certificate(await readFile(join(folder, `${name}.pem`)))
    const valid =
      certificate.checkPrivateKey(createPrivateKey(key)) &&
      Date.parse(certificate.validFrom) <= nowMs &&
      Date.parse(certificate.validTo) - renewBeforeMs > nowMs
    return valid ? { key, certificate } : undefined
  } catch (error) {
    // Keys that may not be read are the administrator's to mend; a new authority would only hide it.
    if (['EACCES', 'EPERM'].includes(String((error as NodeJS.ErrnoException).code))) throw error
    return undefined
  }
}

/** What makes certificates takes 100 ms to load, and is needed once in two months. */
const maker = () => import('./certificate.ts')

async function newAuthority(folder: string, nowMs: number): Promise<Pair> {
  const { makeAuthority } = await maker()
  const name = `pixelgate ${randomBytes(4).toString('hex')}`
  const validity = { fromMs: nowMs - dayMs, toMs: nowMs + authorityMs }
  return keep(folder, 'ca', await makeAuthority(name, validity))
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
