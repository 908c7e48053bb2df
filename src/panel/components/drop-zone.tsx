import { useRef } from 'preact/hooks'
import { formatBytes } from '../model/format.ts'
import { maxFileBytes } from '../state/upload.ts'
import { Icon } from './icon.tsx'

/** The big place to put a file; dropping works anywhere on the page, this one also opens the file chooser. */
export function DropZone({ onFile }: { readonly onFile: (file: File) => void }) {
  const input = useRef<HTMLInputElement>(null)
  return (
    <div class="drop-zone">
      <Icon name="upload" />
      <p class="drop-words">Drop a pattern file anywhere</p>
      <button type="button" class="button primary" onClick={() => input.current?.click()}>
        Choose a file
      </button>
      <p class="quiet small">
        LED Matrix Studio, GIF, LEDM, STD, DIM, and raw RGB without a header. Up to{' '}
        {formatBytes(maxFileBytes)}.
      </p>
      <input
        ref={input}
        type="file"
        class="hidden"
        tabIndex={-1}
        aria-label="Pattern file"
        onChange={event => {
          const [file] = event.currentTarget.files ?? []
          event.currentTarget.value = ''
          if (file !== undefined) onFile(file)
        }}
      />
    </div>
  )
}
