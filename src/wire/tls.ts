import { z } from 'zod'

const tlsFields = {
  scheme: z.enum(['http', 'https']),
  insecure: z
    .boolean()
    .describe('Passwords and patterns cross the network unencrypted, as the configuration says so'),
  fingerprint: z
    .string()
    .nullable()
    .describe(
      'SHA-256 of the certificate to trust, `AB:CD:…`: of the own authority, or of the given certificate; null: plain HTTP',
    ),
  authority: z.enum(['own', 'given']).nullable().describe('Who made the certificate; null: plain HTTP'),
  constrained: z
    .boolean()
    .nullable()
    .describe('Whether the own authority can vouch for this gateway and private addresses alone'),
  names: z.array(z.string()).readonly().describe('Names and addresses that the certificate is for'),
  leftOut: z
    .array(z.string())
    .readonly()
    .describe('Names of the gateway that the authority may not vouch for: it is older than they are'),
  validTo: z.string().nullable().describe('End of the certificate, ISO 8601; it is renewed 30 days before'),
  landingUrl: z
    .string()
    .nullable()
    .describe('Plain HTTP page that explains how to trust the certificate; null: there is none'),
}

export const tlsView = z
  .object(tlsFields)
  .readonly()
  .meta({ id: 'Tls', description: 'How the gateway is reached over the network, and what vouches for it' })
export type TlsView = z.output<typeof tlsView>

/** What somebody sees who has not signed in: as much as the connection itself shows. */
export const tlsShortView = z
  .object(tlsFields)
  .pick({ scheme: true, insecure: true, fingerprint: true, landingUrl: true })
  .readonly()
  .meta({ id: 'TlsShort', description: 'How to know the gateway before anybody has signed in' })
export type TlsShortView = z.output<typeof tlsShortView>
