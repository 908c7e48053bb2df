import { fseqExporter } from '../pattern/export/fseq.ts'
import { patternError } from '../pattern/fault.ts'
import { openPart } from '../pattern/open-part.ts'
import type { UploadOptions } from '../upload/upload-options.ts'
import { chosenCandidate, withCandidates } from './open-pattern.ts'
import { readPatternFile } from './read-pattern-file.ts'
import { openRegularFile } from './regular-file.ts'

/** Files up to this size go as they are; the gateway takes no larger ones. */
const maxWholeBytes = 64 * 1024 * 1024

export interface FileToUpload {
  readonly bytes: Uint8Array
  readonly options: UploadOptions
}

/**
 * A file and how to read it. Of a sequence that is too large for the gateway the wanted part is cut out here, so that it goes as a
 * small sequence of its own, the same for the same part. Rejects like `readPatternFile` and `withCandidates`.
 */
export async function fileToUpload(
  path: string,
  options: UploadOptions,
  maxBytes: number = maxWholeBytes,
): Promise<FileToUpload> {
  const { channels, frames, raw } = options
  const { handle, sizeBytes } = await openRegularFile(path)
  await handle.close()
  const isPart = channels !== undefined || frames !== undefined
  if (raw || !isPart || sizeBytes <= maxBytes) return { bytes: await readPatternFile(path), options }
  const bytes = await withCandidates(path, options, candidates => {
    const { candidate, part } = chosenCandidate(candidates, options)
    if (candidate.byChannel !== true) return undefined
    const opened = openPart(candidate, part)
    const written = opened.ok ? fseqExporter.write(opened.value, {}) : opened
    if (!written.ok) throw patternError(written.fault)
    return written.value.bytes
  })
  if (bytes === undefined) return { bytes: await readPatternFile(path), options }
  return { bytes, options: { ...options, channels: undefined, frames: undefined, candidate: undefined } }
}
