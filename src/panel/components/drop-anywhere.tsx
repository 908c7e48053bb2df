import { useEffect, useState } from 'preact/hooks'
import { mayOperate } from '../state/session.ts'
import { say } from '../state/toasts.ts'
import { uploadFile } from '../state/upload.ts'
import { Icon } from './icon.tsx'

const holdsFile = (event: DragEvent) => event.dataTransfer?.types.includes('Files') === true

/** A file that is dragged over the window may be dropped wherever it is. */
export function DropAnywhere() {
  const [over, setOver] = useState(false)
  useEffect(() => {
    // Each element under the pointer says enter and leave; only when all have left is the file outside.
    let depth = 0
    const stop = new AbortController()
    const { signal } = stop
    const on = (name: 'dragenter' | 'dragover' | 'dragleave' | 'drop', act: (event: DragEvent) => void) =>
      window.addEventListener(name, event => holdsFile(event) && act(event), { signal })
    on('dragenter', () => setOver(++depth > 0))
    on('dragover', event => event.preventDefault())
    on('dragleave', () => {
      depth = Math.max(0, depth - 1)
      setOver(depth > 0)
    })
    on('drop', event => {
      event.preventDefault()
      depth = 0
      setOver(false)
      const [file, another] = event.dataTransfer?.files ?? []
      if (file === undefined) return
      if (!mayOperate.value)
        return say('Your role may look, not upload. Ask an admin to make you an operator.', 'bad')
      if (another !== undefined) say(`One file at a time: ${file.name} is taken.`)
      void uploadFile(file)
    })
    return () => stop.abort()
  }, [])
  if (!over) return null
  return (
    <div class="drop-veil" aria-hidden="true">
      <Icon name="upload" />
      <p>Drop it to see how it looks</p>
    </div>
  )
}
