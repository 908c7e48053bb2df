const browsers: readonly (readonly [RegExp, string])[] = [
  [/\bEdgA?\//, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\b(Firefox|FxiOS)\//, 'Firefox'],
  [/\b(HeadlessChrome|Chrome|CriOS|Chromium)\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
]

const systems: readonly (readonly [RegExp, string])[] = [
  [/\biPhone\b/, 'an iPhone'],
  [/\biPad\b/, 'an iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b/, 'a Mac'],
  [/\bCrOS\b/, 'a Chromebook'],
  [/\bLinux\b/, 'Linux'],
]

/** What a client calls itself (User-Agent, RFC 9110 §10.1.5) in words: `Firefox on Android`, `curl`. */
export function agentWords(agent: string): string {
  const nameIn = (names: typeof browsers) => names.find(([shape]) => shape.test(agent))?.[1]
  if (agent.startsWith('Mozilla/')) {
    const [browser = 'A browser', system] = [nameIn(browsers), nameIn(systems)]
    return system === undefined ? browser : `${browser} on ${system}`
  }
  const [program = ''] = agent.trim().split(/[/\s(]/)
  return program === '' ? 'A program without a name' : program.slice(0, 40)
}
