import { copyText } from '../state/copy-text.ts'
import { say } from '../state/toasts.ts'
import { IconButton } from './icon-button.tsx'

interface Props {
  readonly text: string
  /** `the digest`, `the password`. */
  readonly what: string
}

export function CopyButton({ text, what }: Props) {
  const copy = async () => {
    if (await copyText(text)) say(`Copied ${what}.`)
    else say('The browser does not let the panel copy. Select the text and copy it yourself.', 'bad')
  }
  return <IconButton icon="copy" label={`Copy ${what}`} onClick={() => void copy()} />
}
