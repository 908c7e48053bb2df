import type { FileRecord } from '../../store/tables/file-record.ts'
import type { FileView } from '../../wire/file.ts'

/** A file on its way as the API shows it. */
export function fileView(file: FileRecord): FileView {
  const { id, name, owner, sizeBytes, offset, sha256, state, patternId, problemJson } = file
  const problem = problemJson === null ? null : JSON.parse(problemJson)
  return {
    ...{ id, name, owner, sizeBytes, offset, sha256, state, patternId },
    problem: problem && { code: problem.code, detail: problem.detail },
    createdAt: new Date(file.createdMs).toISOString(),
    expiresAt: new Date(file.expiresMs).toISOString(),
  }
}
