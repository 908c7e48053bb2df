import { useRef, useState } from 'preact/hooks'
import type { RoomView } from '../../wire/chat.ts'
import { maxCharacters, messageFault } from '../model/chat.ts'
import { matchingCommands, type SlashCommand } from '../model/slash-commands.ts'
import { postMessage, tellTyping } from '../state/chat.ts'
import { IconButton } from './icon-button.tsx'

/** From here on one is told how much room is left. */
const warnFrom = maxCharacters - 500

/** Where one writes. Enter sends, Shift and Enter make a line; a slash at the start shows the commands. */
export function ChatComposer({ room }: { readonly room: RoomView }) {
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  const [hidden, setHidden] = useState(false)
  const field = useRef<HTMLTextAreaElement>(null)
  const commands = hidden ? [] : matchingCommands(text)
  const fault = messageFault(text)
  const left = text.length > warnFrom ? maxCharacters - [...text].length : undefined

  const write = (value: string) => {
    setText(value)
    setAt(0)
    setHidden(false)
    if (value.trim() !== '' && !value.startsWith('/')) tellTyping(room.id)
  }
  const take = (command: SlashCommand) => {
    write(command.usage === command.name ? command.name : `${command.name} `)
    setHidden(true)
    field.current?.focus()
  }
  const send = () => {
    if (fault !== null) return
    void postMessage(room.id, text)
    setText('')
    field.current?.focus()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const command = commands[at]
    const complete = command?.name === text
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault()
      if (command !== undefined && !complete) take(command)
      else send()
    } else if (command !== undefined && event.key === 'Tab' && !event.shiftKey) {
      event.preventDefault()
      take(command)
    } else if (command !== undefined && event.key === 'Escape') {
      event.stopPropagation()
      event.preventDefault()
      setHidden(true)
    } else if (command !== undefined && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
      event.preventDefault()
      setAt((at + (event.key === 'ArrowDown' ? 1 : commands.length - 1)) % commands.length)
    }
  }
  return (
    <form
      class="composer"
      onSubmit={event => {
        event.preventDefault()
        send()
      }}
    >
      {commands.length > 0 && (
        <ul class="commands" id="commands" aria-label="Commands">
          {commands.map((command, index) => (
            <li key={command.name}>
              <button type="button" class={index === at ? 'chosen' : ''} onClick={() => take(command)}>
                <code>{command.usage}</code> <span class="quiet small">{command.what}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
      {left !== undefined && (
        <p class={`small ${left < 0 ? 'bad-words' : 'quiet'}`}>
          {left < 0 ? fault : `${left} characters left`}
        </p>
      )}
      <div class="composer-row">
        <textarea
          ref={field}
          class="input"
          rows={Math.min(6, text.split('\n').length)}
          value={text}
          placeholder="Write, or / for commands"
          aria-label={`Message to ${room.name}`}
          aria-controls={commands.length > 0 ? 'commands' : undefined}
          onInput={event => write(event.currentTarget.value)}
          onKeyDown={onKeyDown}
        />
        <IconButton icon="send" label="Send" class="accent" disabled={fault !== null} onClick={send} />
      </div>
    </form>
  )
}
