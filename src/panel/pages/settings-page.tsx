import { Appearance } from '../components/appearance.tsx'
import { MqttUsers } from '../components/mqtt-users.tsx'
import { PageHead } from '../components/page-head.tsx'
import { Ports } from '../components/ports.tsx'
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
        {mayOperate.value && <Ports />}
        {isAdmin.value && <Users />}
        {isAdmin.value && <MqttUsers />}
      </div>
    </>
  )
}
