import { useEffect, useState } from 'preact/hooks'
import { Notice } from '../components/notice.tsx'
import { PageHead } from '../components/page-head.tsx'

type MetricsPage = typeof import('./metrics-page.tsx').MetricsPage

/** The charts are a third of the panel's weight; who does not look at them does not load them. */
export function LazyMetricsPage() {
  const [page, setPage] = useState<{ readonly Page: MetricsPage } | null>(null)
  const [failed, setFailed] = useState(false)
  useEffect(() => {
    import('./metrics-page.tsx').then(
      ({ MetricsPage }) => setPage({ Page: MetricsPage }),
      () => setFailed(true),
    )
  }, [])
  if (page !== null) return <page.Page />
  return (
    <>
      <PageHead title="Metrics" />
      {failed && <Notice tone="bad">The charts could not be loaded. Reload the page.</Notice>}
    </>
  )
}
