import { useEffect } from 'preact/hooks'
import { Entrance } from './components/entrance.tsx'
import { Notice } from './components/notice.tsx'
import { Shell } from './components/shell.tsx'
import { ToastList } from './components/toast-list.tsx'
import type { Route } from './model/route.ts'
import { BoardsPage } from './pages/boards-page.tsx'
import { ClaimPage } from './pages/claim-page.tsx'
import { GpioPage } from './pages/gpio-page.tsx'
import { JobPage } from './pages/job-page.tsx'
import { JobsPage } from './pages/jobs-page.tsx'
import { LazyMetricsPage } from './pages/lazy-metrics-page.tsx'
import { SettingsPage } from './pages/settings-page.tsx'
import { SignInPage } from './pages/sign-in-page.tsx'
import { UploadPage } from './pages/upload-page.tsx'
import { route } from './state/router.ts'
import { begin, session } from './state/session.ts'

const titles: Readonly<Record<Route['page'], string>> = {
  boards: 'Boards',
  upload: 'Upload',
  jobs: 'Jobs',
  gpio: 'GPIO',
  metrics: 'Metrics',
  settings: 'Settings',
}

export function App() {
  return (
    <>
      <Where />
      <ToastList />
    </>
  )
}

function Where() {
  const now = session.value
  switch (now.kind) {
    case 'starting':
      return <main class="starting" aria-busy="true" aria-label="pixelgate" />
    case 'unreachable':
      return <Unreachable message={now.message} />
    case 'claim':
      return <ClaimPage />
    case 'sign-in':
      return <SignInPage notice={now.notice} />
    case 'signed-in':
      return <SignedIn />
  }
}

function Unreachable({ message }: { readonly message: string }) {
  return (
    <Entrance title="No answer">
      <Notice tone="bad">{message}</Notice>
      <button type="button" class="button primary big" onClick={() => void begin()}>
        Try again
      </button>
    </Entrance>
  )
}

function SignedIn() {
  const here = route.value
  useEffect(() => {
    document.title = `${titles[here.page]} · pixelgate`
  }, [here.page])
  return (
    <Shell>
      <PageOf here={here} />
    </Shell>
  )
}

function PageOf({ here }: { readonly here: Route }) {
  switch (here.page) {
    case 'boards':
      return <BoardsPage />
    case 'upload':
      return <UploadPage patternId={here.patternId} />
    case 'jobs':
      return here.jobId === null ? <JobsPage /> : <JobPage key={here.jobId} jobId={here.jobId} />
    case 'gpio':
      return <GpioPage />
    case 'metrics':
      return <LazyMetricsPage />
    case 'settings':
      return <SettingsPage />
  }
}
