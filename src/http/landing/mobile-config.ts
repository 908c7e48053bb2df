import { createHash, X509Certificate } from 'node:crypto'
import { formatUuid } from '../../kernel/ids.ts'

/**
 * A configuration profile for iOS, iPadOS and macOS that holds one certificate authority (Apple's "Configuration Profile
 * Reference", payload com.apple.security.root). Its UUIDs follow from the certificate, so a second download replaces the
 * first one.
 */
export function mobileConfig(authorityPem: string): string {
  const { raw, fingerprint256 } = new X509Certificate(authorityPem)
  const uuid = (part: string) => uuidOf(`${part} ${fingerprint256}`)
  const identifier = `local.pixelgate.${fingerprint256.replaceAll(':', '').slice(0, 16).toLowerCase()}`
  const base64 = raw.toString('base64').replace(/.{64}/g, '$&\n')
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>PayloadContent</key>
  <array>
    <dict>
      <key>PayloadCertificateFileName</key>
      <string>pixelgate-ca.cer</string>
      <key>PayloadContent</key>
      <data>
${base64}
      </data>
      <key>PayloadDescription</key>
      <string>Lets this device check that it talks to the pixelgate gateway.</string>
      <key>PayloadDisplayName</key>
      <string>pixelgate certificate authority</string>
      <key>PayloadIdentifier</key>
      <string>${identifier}.root</string>
      <key>PayloadType</key>
      <string>com.apple.security.root</string>
      <key>PayloadUUID</key>
      <string>${uuid('root')}</string>
      <key>PayloadVersion</key>
      <integer>1</integer>
    </dict>
  </array>
  <key>PayloadDescription</key>
  <string>Holds one certificate and changes nothing else. Remove it at any time.</string>
  <key>PayloadDisplayName</key>
  <string>pixelgate</string>
  <key>PayloadIdentifier</key>
  <string>${identifier}</string>
  <key>PayloadRemovalDisallowed</key>
  <false/>
  <key>PayloadType</key>
  <string>Configuration</string>
  <key>PayloadUUID</key>
  <string>${uuid('profile')}</string>
  <key>PayloadVersion</key>
  <integer>1</integer>
</dict>
</plist>
`
}

/** A UUID of version 8 (RFC 9562 §5.8), as Apple writes it. */
function uuidOf(text: string): string {
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16)
  bytes[6] = 0x80 | ((bytes[6] ?? 0) & 0x0f)
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f)
  return formatUuid(bytes).toUpperCase()
}
