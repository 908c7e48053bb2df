import { online } from '../state/chat.ts'
import { me } from '../state/session.ts'

/** Who is in the panel now. */
export function ChatPresence() {
  const names = online.value.map(({ name }) => name)
  return (
    <ul class="presence" aria-label="In the panel now">
      {names.map(name => (
        <li key={name}>
          <i aria-hidden="true" />
          {name === me.value?.name ? `${name} (you)` : name}
        </li>
      ))}
    </ul>
  )
}
