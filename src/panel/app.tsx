import { useEffect } from 'preact/hooks'
import { Entrance } from './components/entrance.tsx'
import { GuestShell } from './components/guest-shell.tsx'
import { LazyPage } from './components/lazy-page.tsx'
import { Notice } from './components/notice.tsx'
import { Shell } from './components/shell.tsx'
import { ToastList } from './components/toast-list.tsx'
import type { Route } from './model/route.ts'
import { BoardsPage } from './pages/boards-page.tsx'
import { ClaimPage } from './pages/claim-page.tsx'
import { GpioPage } from './pages/gpio-page.tsx'
import { InvitePage } from './pages/invite-page.tsx'
import { JobPage } from './pages/job-page.tsx'
import { JobsPage } from './pages/jobs-page.tsx'
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
  alerts: 'Alerts',
  audit: 'Audit',
  settings: 'Settings',
  invite: 'Invitation',
}

const loadMetrics = async () => (await import('./pages/metrics-page.tsx')).MetricsPage
const loadAlerts = async () => (await import('./pages/alerts-page.tsx')).AlertsPage
const loadAudit = async () => (await import('./pages/audit-page.tsx')).AuditPage
const loadSettings = async () => (await import('./pages/settings-page.tsx')).SettingsPage

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
  const here = route.value
  if (here.page === 'invite' && mayMeetPeople(now.kind)) return <InvitePage code={here.code} />
  switch (now.kind) {
    case 'starting':
      return <main class="starting" aria-busy="true" aria-label="pixelgate" />
    case 'unreachable':
      return <Unreachable message={now.message} />
    case 'claim':
      return <ClaimPage />
    case 'sign-in':
      return <SignInPage notice={now.notice} />
    case 'guest':
      return (
        <GuestShell>
          <BoardsPage />
        </GuestShell>
      )
    case 'signed-in':
      return <SignedIn />
  }
}

/** A link of an invitation leads to its page whoever opens it, once the gateway is known to have people. */
const mayMeetPeople = (kind: typeof session.value.kind): boolean =>
  kind === 'sign-in' || kind === 'guest' || kind === 'signed-in'

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
      return <LazyPage key="metrics" title="Metrics" load={loadMetrics} />
    case 'alerts':
      return <LazyPage key="alerts" title="Alerts" load={loadAlerts} />
    case 'audit':
      return <LazyPage key="audit" title="Audit" load={loadAudit} />
    case 'settings':
      return <LazyPage key="settings" title="Settings" load={loadSettings} />
    case 'invite':
      return null
  }
}
