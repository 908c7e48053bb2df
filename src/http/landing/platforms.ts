export interface Platform {
  readonly id: string
  readonly name: string
  /** Found in the User-Agent of its browsers. */
  readonly agent: RegExp
  /** HTML. */
  readonly steps: readonly string[]
  readonly note?: string
}

/** How people tell a device to trust an authority; the words are those of the systems' English menus. */
export const platforms: readonly Platform[] = [
  {
    id: 'android',
    name: 'Android',
    agent: /Android/,
    steps: [
      'Download <a href="/ca.der">the certificate</a> and keep the file.',
      'Open <b>Settings</b> and search for <b>CA certificate</b>. It stands below <b>Security</b>, <b>Encryption &amp; credentials</b>, <b>Install a certificate</b>.',
      'Choose <b>CA certificate</b>, then <b>Install anyway</b>, and pick the file <code>pixelgate-ca.der</code>.',
    ],
    note: 'Android then says that the network may be monitored. That is its sentence for every certificate of this kind. Firefox has a store of its own and keeps warning.',
  },
  {
    id: 'ios',
    name: 'iPhone and iPad',
    agent: /iPhone|iPad|iPod/,
    steps: [
      'Open this page in <b>Safari</b>, download <a href="/pixelgate.mobileconfig">the profile</a> and tap <b>Allow</b>.',
      'Open <b>Settings</b>, tap <b>Profile Downloaded</b>, then <b>Install</b>.',
      'Go to <b>Settings</b>, <b>General</b>, <b>About</b>, <b>Certificate Trust Settings</b> and switch <b>pixelgate</b> on. Without this step nothing changes.',
    ],
  },
  {
    id: 'macos',
    name: 'macOS',
    agent: /Macintosh/,
    steps: [
      'Download <a href="/ca.pem">the certificate</a>.',
      'In a terminal: <code>sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain ~/Downloads/pixelgate-ca.pem</code>',
      'Or open the file in <b>Keychain Access</b>, open the entry that begins with <b>pixelgate</b>, and set <b>Trust</b> to <b>Always Trust</b>.',
    ],
  },
  {
    id: 'windows',
    name: 'Windows',
    agent: /Windows/,
    steps: [
      'Download <a href="/ca.der">the certificate</a> and open the file.',
      'Choose <b>Install Certificate</b>, <b>Local Machine</b>, <b>Place all certificates in the following store</b>, and <b>Trusted Root Certification Authorities</b>.',
      'Start the browser again.',
    ],
  },
  {
    id: 'linux',
    name: 'Linux',
    agent: /Linux|X11|CrOS/,
    steps: [
      'Download <a href="/ca.pem">the certificate</a>.',
      'For programs, on Debian and its relatives: <code>sudo cp pixelgate-ca.pem /usr/local/share/ca-certificates/pixelgate.crt &amp;&amp; sudo update-ca-certificates</code>',
      'Chromium: <b>Settings</b>, <b>Privacy and security</b>, <b>Security</b>, <b>Manage certificates</b>, import it as an authority. Firefox: <b>Settings</b>, <b>Privacy &amp; Security</b>, <b>View Certificates</b>, <b>Authorities</b>, <b>Import</b>.',
    ],
  },
]

/** The one that a browser runs on; Android calls itself Linux as well, so the order counts. */
export const platformOf = (agent: string): string | undefined =>
  platforms.find(platform => platform.agent.test(agent))?.id
