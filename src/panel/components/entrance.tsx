import type { ComponentChildren } from 'preact'
import { dark, toggleTheme } from '../state/appearance.ts'
import { HttpBanner } from './http-banner.tsx'
import { IconButton } from './icon-button.tsx'
import { Logo } from './logo.tsx'

/** The page before the panel: one question in the middle. */
export function Entrance({
  title,
  children,
}: {
  readonly title: string
  readonly children: ComponentChildren
}) {
  return (
    <div class="entrance">
      <HttpBanner />
      <main class="entrance-box">
        <div class="entrance-brand">
          <Logo />
          <span>pixelgate</span>
          <span class="grow" />
          <IconButton
            icon={dark.value ? 'sun' : 'moon'}
            label={dark.value ? 'Light colours' : 'Dark colours'}
            onClick={toggleTheme}
          />
        </div>
        <h1>{title}</h1>
        {children}
      </main>
    </div>
  )
}
