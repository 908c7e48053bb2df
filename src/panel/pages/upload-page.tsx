import { DropZone } from '../components/drop-zone.tsx'
import { FileSending } from '../components/file-sending.tsx'
import { PageHead } from '../components/page-head.tsx'
import { PatternLibrary } from '../components/pattern-library.tsx'
import { UploadFlow } from '../components/upload-flow.tsx'
import { sending, uploadFile } from '../state/upload.ts'

export function UploadPage({ patternId }: { readonly patternId: string | null }) {
  if (patternId === null)
    return (
      <>
        <PageHead title="Upload" words="Any pattern file; you see it before a board does." />
        <FileSending state={sending.value} />
        {sending.value.kind !== 'sending' && <DropZone onFile={file => void uploadFile(file)} />}
        <PatternLibrary />
      </>
    )
  return <UploadFlow key={patternId} patternId={patternId} />
}
