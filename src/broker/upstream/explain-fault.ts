import type { ConnectionFault } from './connection-machine.ts'

/** Codes of Node, OpenSSL and CONNACK in plain words with what to do. */
const words: Readonly<Record<string, string>> = {
  ENOTFOUND: 'its name is not known: check the name in mqtt.upstream and the DNS server of this machine',
  EAI_AGAIN: 'the DNS server does not answer: check the network of this machine',
  ECONNREFUSED: 'nothing listens there: check that the broker runs, its address and its port',
  ECONNRESET: 'it ended the connection: check its log',
  EPIPE: 'it ended the connection: check its log',
  ETIMEDOUT: 'it does not answer: check address, port and firewall',
  EHOSTUNREACH: 'there is no way to it: check the network of this machine',
  ENETUNREACH: 'there is no way to it: check the network of this machine',
  EPROTO: 'it does not speak TLS there: check the port, or write mqtt:// for a plain one',
  ERR_SSL_WRONG_VERSION_NUMBER:
    'it does not speak TLS there: check the port, or write mqtt:// for a plain one',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'its certificate is for another name: write the name that stands in the certificate',
  CERT_HAS_EXPIRED: 'its certificate has expired: renew it there, and check the clock of this machine',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet: check the clock of this machine',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'nobody known vouches for its certificate: name its authority in caFile',
  SELF_SIGNED_CERT_IN_CHAIN: 'nobody known vouches for its certificate: name its authority in caFile',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'nobody known vouches for its certificate: name its authority in caFile',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'nobody known vouches for its certificate: name its authority in caFile',
  UNABLE_TO_GET_ISSUER_CERT: 'nobody known vouches for its certificate: name its authority in caFile',
  ENOENT: 'a file that mqtt.upstream names is not there',
  EACCES: 'a file that mqtt.upstream names may not be read by this user',
  // MQTT 3.1.1 §3.2.2.3 and MQTT 5 §3.2.2.2
  1: 'it does not speak this version of MQTT: set protocol to auto',
  2: 'it does not take the client id: set clientId',
  3: 'it says that it is not available',
  4: 'it does not take user name and password: check user and passwordFile',
  5: 'it does not let this user in: check user, passwordFile and its access list',
  132: 'it does not speak this version of MQTT: set protocol to auto',
  133: 'it does not take the client id: set clientId',
  134: 'it does not take user name and password: check user and passwordFile',
  135: 'it does not let this user in: check user, passwordFile and its access list',
  136: 'it says that it is not available',
  137: 'it says that it is too busy',
  142: 'another client took over the client id: two gateways may have the same name; set clientId',
}

const wrongVersion = new Set(['1', '132'])

/** What is wrong with the connection to `where`, for a person. `silent`: it was ended without any answer to CONNECT. */
export function explainFault(where: string, thrown: unknown, silent = false): ConnectionFault {
  const code = codeOf(thrown)
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  const known =
    words[code] ??
    (/^ERR_SSL|^ERR_TLS|^CERT_/.test(code) ? `TLS failed (${code}): check its certificate` : undefined)
  return {
    message: `${where}: ${known ?? (message === '' ? 'the connection has failed' : message)}`,
    version: silent || wrongVersion.has(code),
  }
}

function codeOf(thrown: unknown): string {
  if (typeof thrown !== 'object' || thrown === null) return ''
  // Of several addresses that were tried, the first one says it.
  if (thrown instanceof AggregateError && thrown.errors.length > 0) return codeOf(thrown.errors[0])
  const { code } = thrown as { readonly code?: unknown }
  return typeof code === 'string' || typeof code === 'number' ? String(code) : ''
}
