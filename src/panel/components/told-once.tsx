import { CopyButton } from './copy-button.tsx'

/** A secret or a link in full, to be selected or copied. */
export function ToldOnce({ text, what }: { readonly text: string; readonly what: string }) {
  return (
    <span class="told-once">
      <code class="secret">{text}</code>
      <CopyButton text={text} what={what} />
    </span>
  )
}
