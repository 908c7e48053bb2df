/** Once in this time the gateway is told that somebody types. */
export const tellEveryMs = 2000
/** Without news somebody has stopped typing. */
export const hideAfterMs = 3000

export const mayTell = (lastToldMs: number | null, nowMs: number): boolean =>
  lastToldMs === null || nowMs - lastToldMs >= tellEveryMs

export interface Typist {
  readonly roomId: string
  readonly name: string
  readonly atMs: number
}

export const withTypist = (typists: readonly Typist[], typist: Typist): readonly Typist[] => [
  ...typists.filter(({ roomId, name }) => roomId !== typist.roomId || name !== typist.name),
  typist,
]

export const stillTyping = (typists: readonly Typist[], nowMs: number): readonly Typist[] =>
  typists.filter(({ atMs }) => nowMs - atMs < hideAfterMs)

/** `Ada is typing`, `Ada and Bo are typing`, `3 people are typing`; empty when nobody does. */
export function typingWords(names: readonly string[]): string {
  const [first, second] = names
  if (first === undefined) return ''
  if (second === undefined) return `${first} is typing`
  return names.length === 2 ? `${first} and ${second} are typing` : `${names.length} people are typing`
}
