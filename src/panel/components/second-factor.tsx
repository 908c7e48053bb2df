import { useState } from 'preact/hooks'
import type { TotpView } from '../../wire/auth.ts'
import { call, post } from '../api.ts'
import { me, reloadMe } from '../state/session.ts'
import { attempt, say } from '../state/toasts.ts'
import { BackupCodes } from './backup-codes.tsx'
import { Badge } from './badge.tsx'
import { Dialog } from './dialog.tsx'
import { FormDialog } from './form-dialog.tsx'
import { QrPicture } from './qr-picture.tsx'
import { TextField } from './text-field.tsx'
import { ToldOnce } from './told-once.tsx'

type Step =
  | { readonly kind: 'set-up'; readonly told: TotpView }
  | { readonly kind: 'codes'; readonly codes: readonly string[] }
  | { readonly kind: 'renew' | 'switch-off' }

interface Codes {
  readonly backupCodes: readonly string[]
}

/** A code of an app beside the password. */
export function SecondFactor() {
  const [step, setStep] = useState<Step | null>(null)
  const isOn = me.value?.secondFactor === true
  const close = () => setStep(null)
  const tell = async ({ backupCodes }: Codes) => {
    setStep({ kind: 'codes', codes: backupCodes })
    await reloadMe()
  }
  const begin = () =>
    attempt(async () => setStep({ kind: 'set-up', told: await post<TotpView>('/auth/totp') }))
  return (
    <section class="card">
      <div class="row between">
        <h2>Second factor</h2>
        <Badge tone={isOn ? 'ok' : 'quiet'} text={isOn ? 'On' : 'Off'} />
      </div>
      <p class="quiet">
        {isOn
          ? 'Each sign-in asks for a code of your app, or for one of your backup codes.'
          : 'With it a stolen password is not enough: each sign-in also asks for a code of an app on your phone.'}
      </p>
      <div class="row">
        {isOn ? (
          <>
            <button type="button" class="button small" onClick={() => setStep({ kind: 'renew' })}>
              New backup codes
            </button>
            <button type="button" class="button small" onClick={() => setStep({ kind: 'switch-off' })}>
              Switch it off
            </button>
          </>
        ) : (
          <button type="button" class="button small" onClick={() => void begin()}>
            Set it up
          </button>
        )}
      </div>
      {step?.kind === 'set-up' && <SetUp told={step.told} onOn={tell} onClose={close} />}
      {step?.kind === 'codes' && <BackupCodes codes={step.codes} onClose={close} />}
      {step?.kind === 'renew' && <Renew onRenewed={tell} onClose={close} />}
      {step?.kind === 'switch-off' && <SwitchOff onClose={close} />}
    </section>
  )
}

interface SetUpProps {
  readonly told: TotpView
  readonly onOn: (codes: Codes) => Promise<void>
  readonly onClose: () => void
}

function SetUp({ told, onOn, onClose }: SetUpProps) {
  const [code, setCode] = useState('')
  return (
    <FormDialog
      title="Set up the second factor"
      deed="Switch it on"
      act={async () => onOn(await post<Codes>('/auth/totp/confirm', { code }))}
      onClose={onClose}
    >
      <p>Scan this with an authenticator app, or type the secret into it.</p>
      <QrPicture svg={told.qrSvg} label="The secret as a code to be scanned" />
      <ToldOnce text={told.secret} what="the secret" />
      <TextField
        label="Code that the app shows now"
        value={code}
        onInput={setCode}
        required
        minLength={6}
        maxLength={16}
        inputMode="numeric"
        autoComplete="one-time-code"
      />
    </FormDialog>
  )
}

function Renew({
  onRenewed,
  onClose,
}: {
  readonly onRenewed: (codes: Codes) => Promise<void>
  readonly onClose: () => void
}) {
  const renew = () => attempt(async () => onRenewed(await post<Codes>('/auth/backup-codes')))
  return (
    <Dialog title="Make new backup codes?" onClose={onClose}>
      <p>The old ones are no longer good, whether they were used or not.</p>
      <div class="row end">
        <button type="button" class="button" onClick={onClose}>
          Keep the old ones
        </button>
        <button type="button" class="button primary" onClick={() => void renew()}>
          Make new ones
        </button>
      </div>
    </Dialog>
  )
}

function SwitchOff({ onClose }: { readonly onClose: () => void }) {
  const [password, setPassword] = useState('')
  const off = async () => {
    await call('DELETE', '/auth/totp', { password })
    await reloadMe()
    say('The second factor is off.')
    onClose()
  }
  return (
    <FormDialog title="Switch the second factor off" deed="Switch it off" act={off} onClose={onClose}>
      <p>From then on your password alone signs in. The backup codes are no longer good.</p>
      <TextField
        label="Your password"
        type="password"
        value={password}
        onInput={setPassword}
        required
        maxLength={256}
        autoComplete="current-password"
      />
    </FormDialog>
  )
}
