import { exclusively } from './exclusively.ts'
import { remember, remembered } from './state/remembered.ts'

/** The access token of the cookie holds for 30 min; pictures and connections should never meet its end. */
const renewAfterMs = 25 * 60_000
const againAfterMs = 60_000
const answerWithinMs = 10_000
const key = 'renewed'

let running: Promise<boolean> | undefined
let triedMs = 0

/** When the tokens of this browser were made, as text; another text later says that some tab has got new ones. */
export const tokensOf = (): string => remembered(key) ?? ''

/** To be called when an answer has brought new tokens. */
export const noteNewTokens = (): void => remember(key, String(Date.now()))

/**
 * Asks for new tokens, once for all tabs: a refresh token that is shown twice ends the session. `seen` is what `tokensOf`
 * said before the request that was refused. Resolves with whether there are other tokens now.
 */
export function renewTokens(seen: string): Promise<boolean> {
  running ??= exclusively('renewal', () => renew(seen)).finally(() => {
    running = undefined
  })
  return running
}

/** Resolves when the tokens are young enough for what is about to begin, or cannot be renewed. */
export async function freshTokens(): Promise<void> {
  if (running !== undefined) return void (await running)
  const seen = tokensOf()
  const ageMs = Date.now() - Number(seen)
  if (seen === '' || (ageMs >= 0 && ageMs < renewAfterMs) || Date.now() - triedMs < againAfterMs) return
  triedMs = Date.now()
  await renewTokens(seen)
}

async function renew(seen: string): Promise<boolean> {
  if (tokensOf() !== seen) return true
  try {
    const { ok } = await fetch('/api/v1/auth/refresh', {
      method: 'POST',
      credentials: 'same-origin',
      cache: 'no-store',
      signal: AbortSignal.timeout(answerWithinMs),
    })
    if (ok) noteNewTokens()
    return ok
  } catch {
    return false
  }
}
