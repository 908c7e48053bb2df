import type { MessageView } from '../../wire/chat.ts'

/** Of one person within this time, the name is not repeated. */
const groupMs = 5 * 60_000

interface Props {
  readonly message: MessageView
  readonly before: MessageView | undefined
  readonly mine: boolean
}

/** One message. Its text is text: nothing in it becomes markup. */
export function ChatMessage({ message, before, mine }: Props) {
  const { author, kind, text, createdAt } = message
  const time = new Date(createdAt)
  const grouped =
    before !== undefined &&
    before.author === author &&
    before.kind === kind &&
    time.getTime() - Date.parse(before.createdAt) < groupMs
  const newDay = before === undefined || new Date(before.createdAt).toDateString() !== time.toDateString()
  return (
    <>
      {newDay && (
        <p class="messages-edge quiet small">
          {time.toLocaleDateString(undefined, { weekday: 'long', day: 'numeric', month: 'long' })}
        </p>
      )}
      <div class={`message ${mine ? 'mine' : ''} ${author === null ? kind : ''}`}>
        {(!grouped || newDay) && (
          <p class="message-head small">
            <strong>{author ?? 'pixelgate'}</strong>{' '}
            <time class="quiet" dateTime={createdAt}>
              {time.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' })}
            </time>
          </p>
        )}
        <p class="message-text">{text}</p>
      </div>
    </>
  )
}
