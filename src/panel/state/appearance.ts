import { computed, effect, signal } from '@preact/signals'
import { remember, remembered } from './remembered.ts'

export type Theme = 'system' | 'light' | 'dark'
export type Motion = 'system' | 'on' | 'off'

const one = <T extends string>(value: string | null, all: readonly T[], fallback: T): T =>
  all.find(known => known === value) ?? fallback

export const theme = signal<Theme>(one(remembered('theme'), ['light', 'dark'], 'system'))
export const motion = signal<Motion>(one(remembered('motion'), ['on', 'off'], 'system'))

const follows = (query: string) => {
  const list = matchMedia(query)
  const matches = signal(list.matches)
  list.addEventListener('change', () => {
    matches.value = list.matches
  })
  return matches
}
const systemDark = follows('(prefers-color-scheme: dark)')
const systemStill = follows('(prefers-reduced-motion: reduce)')
/** There is no room for two things beside each other. */
export const narrow = follows('(max-width: 719px)')

export const dark = computed(() => (theme.value === 'system' ? systemDark.value : theme.value === 'dark'))
/** Previews move. */
export const moving = computed(() => (motion.value === 'system' ? !systemStill.value : motion.value === 'on'))

effect(() => {
  remember('theme', theme.value)
  if (theme.value === 'system') document.documentElement.removeAttribute('data-theme')
  else document.documentElement.dataset['theme'] = theme.value
})
effect(() => remember('motion', motion.value))

export function toggleTheme(): void {
  theme.value = dark.value ? 'light' : 'dark'
}
