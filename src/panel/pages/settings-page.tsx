import { ApiTokens } from '../components/api-tokens.tsx'
import { Appearance } from '../components/appearance.tsx'
import { Invites } from '../components/invites.tsx'
import { MqttUsers } from '../components/mqtt-users.tsx'
import { OwnPassword } from '../components/own-password.tsx'
import { PageHead } from '../components/page-head.tsx'
import { Ports } from '../components/ports.tsx'
import { SecondFactor } from '../components/second-factor.tsx'
import { Sessions } from '../components/sessions.tsx'
import { Users } from '../components/users.tsx'
import { isAdmin, mayOperate, me, signOut } from '../state/session.ts'
import { tryTo } from '../state/toasts.ts'

export function SettingsPage() {
  return (
    <>
      <PageHead title="Settings" words={`Signed in as ${me.value?.name ?? ''}, ${me.value?.role ?? ''}`}>
        <button type="button" class="button" onClick={tryTo(signOut)}>
          Sign out
        </button>
      </PageHead>
      <div class="sections">
        <Appearance />
        <h2 class="section-name">Your account</h2>
        <OwnPassword />
        <SecondFactor />
        <Sessions />
        <ApiTokens />
        {mayOperate.value && <h2 class="section-name">The gateway</h2>}
        {isAdmin.value && <Users />}
        {isAdmin.value && <Invites />}
        {mayOperate.value && <Ports />}
        {isAdmin.value && <MqttUsers />}
      </div>
    </>
  )
}
