import { live, liveNowMs } from '../live.ts'
import { connectionWords } from '../model/connection-words.ts'
import { isGuest, me } from '../state/session.ts'

/** Whether what one sees is what is; always on the screen. */
export function ConnectionState() {
  const { tone, text, detail } = connectionWords(
    live.value,
    me.value !== null || isGuest.value,
    liveNowMs.value,
  )
  return (
    <span class={`connection ${tone}`} title={detail}>
      <i aria-hidden="true" />
      <span role="status">{text}</span>
      {tone === 'ok' && <span class="number quiet connection-latency">{detail}</span>}
    </span>
  )
}
