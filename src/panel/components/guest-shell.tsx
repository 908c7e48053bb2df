import type { ComponentChildren } from 'preact'
import { dark, toggleTheme } from '../state/appearance.ts'
import { askToSignIn } from '../state/session.ts'
import { ConnectionState } from './connection-state.tsx'
import { HttpBanner } from './http-banner.tsx'
import { IconButton } from './icon-button.tsx'
import { Logo } from './logo.tsx'

/** Around what strangers may look at: nothing that they may not use. */
export function GuestShell({ children }: { readonly children: ComponentChildren }) {
  return (
    <div class="shell for-guests">
      <header class="top">
        <span class="brand">
          <Logo />
          <span>pixelgate</span>
        </span>
        <span class="grow" />
        <ConnectionState />
        <IconButton
          icon={dark.value ? 'sun' : 'moon'}
          label={dark.value ? 'Light colours' : 'Dark colours'}
          onClick={toggleTheme}
        />
        <button type="button" class="button primary small" onClick={askToSignIn}>
          Sign in
        </button>
      </header>
      <main id="content">
        <HttpBanner />
        {children}
      </main>
    </div>
  )
}
