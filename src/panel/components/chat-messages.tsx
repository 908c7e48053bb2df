import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { typingWords } from '../model/typing.ts'
import { conversation, dropPending, loadOlder, postMessage, typists } from '../state/chat.ts'
import { me } from '../state/session.ts'
import { attempt } from '../state/toasts.ts'
import { ChatMessage } from './chat-message.tsx'

/** So near to the end one wants to stay there when something new comes. */
const nearEndPx = 80
/** So near to the beginning the page before is fetched. */
const nearStartPx = 120

/** What was said, oldest first; scrolling up brings the past. */
export function ChatMessages({ roomId }: { readonly roomId: string }) {
  const { messages, pending, nextBefore } = conversation(roomId)
  const box = useRef<HTMLDivElement>(null)
  const atEnd = useRef(true)
  const heightBefore = useRef(0)
  const [loading, setLoading] = useState(false)
  const names = typists.value.filter(typist => typist.roomId === roomId).map(({ name }) => name)
  const newest = messages.at(-1)?.id
  const oldest = messages[0]?.id

  // Runs for each change of what is shown.
  useLayoutEffect(() => {
    const element = box.current
    if (element !== null && atEnd.current) element.scrollTop = element.scrollHeight
  }, [newest, pending.length, names.length])
  // What came above must not move what one reads.
  useLayoutEffect(() => {
    const element = box.current
    if (element !== null && heightBefore.current > 0 && !atEnd.current)
      element.scrollTop += element.scrollHeight - heightBefore.current
    heightBefore.current = 0
  }, [oldest])

  const older = async () => {
    if (loading || nextBefore === null || nextBefore === undefined) return
    setLoading(true)
    heightBefore.current = box.current?.scrollHeight ?? 0
    await attempt(() => loadOlder(roomId))
    setLoading(false)
  }
  const onScroll = () => {
    const element = box.current
    if (element === null) return
    atEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight < nearEndPx
    if (element.scrollTop < nearStartPx && !atEnd.current) void older()
  }
  useEffect(() => {
    const element = box.current
    // A page that does not fill the box cannot be scrolled to ask for more.
    if (element !== null && element.scrollHeight <= element.clientHeight) void older()
  })
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <div ref={box} class="messages" role="log" aria-label="Messages" tabIndex={0} onScroll={onScroll}>
      {nextBefore !== null && <p class="messages-edge quiet small">{loading ? 'Loading …' : ''}</p>}
      {nextBefore === null && <p class="messages-edge quiet small">This is the beginning.</p>}
      {messages.map((message, at) => (
        <ChatMessage
          key={message.id}
          message={message}
          before={messages[at - 1]}
          mine={message.author === me.value?.name}
        />
      ))}
      {pending.map(({ clientId, text, trouble }) => (
        <div key={clientId} class={`message mine ${trouble === null ? 'sending' : 'refused'}`}>
          <p class="message-text">{text}</p>
          {trouble !== null && (
            <p class="message-trouble small" role="alert">
              {trouble}{' '}
              <button type="button" class="link" onClick={() => void postMessage(roomId, text, clientId)}>
                Try again
              </button>{' '}
              <button type="button" class="link" onClick={() => dropPending(roomId, clientId)}>
                Discard
              </button>
            </p>
          )}
        </div>
      ))}
      <p class="typing quiet small">{typingWords(names)}</p>
    </div>
  )
}
