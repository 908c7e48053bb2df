import 'reflect-metadata'
import { createPrivateKey, KeyObject, webcrypto } from 'node:crypto'
import { isIP, isIPv6 } from 'node:net'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'
import { encodeNameConstraints, type NameConstraints, nameConstraintsOid } from './name-constraints.ts'

/** Both as PEM: a key of P-256 in PKCS #8, and an X.509 certificate (RFC 5280) signed with ECDSA and SHA-256. */
export interface KeyAndCertificate {
  readonly key: string
  readonly certificate: string
}

export interface Validity {
  readonly fromMs: number
  readonly toMs: number
}

const { subtle } = webcrypto
const p256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
/** RFC 5280, ub-common-name. */
const longestName = 64

/** A new certificate authority that may sign end certificates only, and for these names alone. */
export async function makeAuthority(
  name: string,
  constraints: NameConstraints,
  validity: Validity,
): Promise<KeyAndCertificate> {
  const keys = await makeKeys()
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...dates(validity),
    name: [{ CN: [name.slice(0, longestName)] }],
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      // Critical, so that whoever does not understand it trusts nothing that this authority signs.
      new Extension(nameConstraintsOid, true, encodeNameConstraints(constraints)),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return toPem(keys, certificate)
}

/** A new certificate of a server for these names: DNS names and IP addresses. */
export async function makeServerCertificate(
  authority: KeyAndCertificate,
  names: readonly string[],
  validity: Validity,
): Promise<KeyAndCertificate> {
  const keys = await makeKeys()
  const issuer = new X509Certificate(authority.certificate)
  const issuerKeyId = issuer.getExtension(SubjectKeyIdentifierExtension)?.keyId
  const certificate = await X509CertificateGenerator.create({
    ...dates(validity),
    subject: [{ CN: ['pixelgate'] }],
    issuer: issuer.subjectName,
    publicKey: keys.publicKey,
    signingKey: await readKey(authority.key),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(names.map(generalName)),
      ...(issuerKeyId === undefined ? [] : [new AuthorityKeyIdentifierExtension(issuerKeyId)]),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return toPem(keys, certificate)
}

const makeKeys = (): Promise<webcrypto.CryptoKeyPair> => subtle.generateKey(p256, true, ['sign', 'verify'])

const readKey = (pem: string): Promise<webcrypto.CryptoKey> =>
  subtle.importKey('pkcs8', createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' }), p256, false, [
    'sign',
  ])

const dates = ({ fromMs, toMs }: Validity) => ({
  notBefore: new Date(fromMs),
  notAfter: new Date(toMs),
  signingAlgorithm: p256,
})

const toPem = (keys: webcrypto.CryptoKeyPair, certificate: X509Certificate): KeyAndCertificate => ({
  key: KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }).toString(),
  certificate: `${certificate.toString('pem')}\n`,
})

/** The library reads no IPv4 tail and no zone in an IPv6 address; a URL writes it as groups of hexadecimal digits. */
function generalName(name: string): { readonly type: 'dns' | 'ip'; readonly value: string } {
  if (isIP(name) === 0) return { type: 'dns', value: name }
  if (!isIPv6(name)) return { type: 'ip', value: name }
  return { type: 'ip', value: new URL(`http://[${name.replace(/%.*$/, '')}]`).hostname.slice(1, -1) }
}
