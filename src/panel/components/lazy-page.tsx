import type { ComponentType } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { Notice } from './notice.tsx'
import { PageHead } from './page-head.tsx'

interface Props {
  readonly title: string
  readonly load: () => Promise<ComponentType>
}

/** A page in a chunk of its own: who does not look at it does not load it. */
export function LazyPage({ title, load }: Props) {
  const [page, setPage] = useState<{ readonly Page: ComponentType } | null>(null)
  const [failed, setFailed] = useState(false)
  useEffect(() => {
    load().then(
      Page => setPage({ Page }),
      () => setFailed(true),
    )
  }, [])
  if (page !== null) return <page.Page />
  if (!failed) return <p class="quiet">One moment …</p>
  return (
    <>
      <PageHead title={title} />
      <Notice tone="bad">This page could not be loaded. Reload it.</Notice>
    </>
  )
}
