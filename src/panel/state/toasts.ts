import { signal } from '@preact/signals'
import { asTrouble } from '../model/problem.ts'

export interface Toast {
  readonly id: number
  readonly tone: 'ok' | 'bad'
  readonly text: string
}

const shownMs = { ok: 4000, bad: 9000 }
const mostToasts = 4

/** Short words at the edge of the page, newest last. */
export const toasts = signal<readonly Toast[]>([])
let lastId = 0

export function say(text: string, tone: Toast['tone'] = 'ok'): void {
  const id = ++lastId
  toasts.value = [...toasts.value.filter(toast => toast.text !== text), { id, tone, text }].slice(-mostToasts)
  setTimeout(() => dismiss(id), shownMs[tone])
}

export function dismiss(id: number): void {
  toasts.value = toasts.value.filter(toast => toast.id !== id)
}

/** Runs what a button does; a failure becomes words instead of nothing. */
export async function attempt<T>(act: () => Promise<T>): Promise<T | undefined> {
  try {
    return await act()
  } catch (thrown) {
    say(asTrouble(thrown).message, 'bad')
    return undefined
  }
}

/** The same for an event handler, which nobody waits for. */
export const tryTo = (act: () => Promise<unknown>) => (): void => {
  void attempt(act)
}
