import { formatBytes, formatRate } from '../model/format.ts'
import type { Trouble } from '../model/problem.ts'
import { type FileState, sending, uploadFile } from '../state/upload.ts'
import { Notice } from './notice.tsx'
import { ProgressBar } from './progress-bar.tsx'

/** The file's way from this device to the gateway, and why it was not taken. */
export function FileSending({ state }: { readonly state: FileState }) {
  if (state.kind === 'none') return null
  if (state.kind === 'failed') {
    const { file, trouble } = state
    return (
      <Notice tone="bad">
        <p>
          <strong>{file.name}</strong> was not taken. {trouble.message}
        </p>
        <div class="row">
          {trouble.status === 0 && (
            <button type="button" class="button small" onClick={() => void uploadFile(file)}>
              Try again
            </button>
          )}
          {trouble.code === 'file_invalid' && (
            <button type="button" class="button small" onClick={() => void uploadFile(file, true)}>
              Keep it as raw bytes
            </button>
          )}
          <button type="button" class="button small" onClick={() => (sending.value = { kind: 'none' })}>
            Dismiss
          </button>
        </div>
      </Notice>
    )
  }
  const { name, sizeBytes, sentBytes, abort } = state
  const read = sentBytes >= sizeBytes
  return (
    <section class="card">
      <div class="row between">
        <strong class="clip">{name}</strong>
        <button type="button" class="button small" onClick={abort}>
          Stop
        </button>
      </div>
      <ProgressBar share={read ? null : sentBytes / sizeBytes} label={`${name} on its way to the gateway`} />
      <p class="quiet small">{read ? 'The gateway reads it …' : <HowFar {...state} />}</p>
      <p class="small" role="status">
        {waitingWords(state.waitsFor)}
      </p>
    </section>
  )
}

function HowFar({ sentBytes, sizeBytes, pace, waitsFor }: Extract<FileState, { kind: 'sending' }>) {
  const rate = waitsFor === null ? pace?.bytesPerSecond : null
  return (
    <>
      {formatBytes(sentBytes)} of {formatBytes(sizeBytes)}
      {rate !== null && rate !== undefined && `, ${formatRate(rate)}`}
    </>
  )
}

/** A person need do nothing; what only a person can mend, such as a full disk, is said all the same. */
const waitingWords = (trouble: Trouble | null): string =>
  trouble === null
    ? ''
    : `Waiting for the gateway, goes on by itself.${
        trouble.code === 'storage_failed' || trouble.code === 'overloaded' ? ` ${trouble.message}` : ''
      }`
