/** Shapes on a field of 24 × 24, drawn with a pen of 1.8 unless they are filled. */
const shapes = {
  boards: 'M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h6v6h-6z',
  upload: 'M12 16V4m0 0L7 9m5-5 5 5M4 16v3a1 1 0 0 0 1 1h14a1 1 0 0 0 1-1v-3',
  jobs: 'M9 6h11M9 12h11M9 18h11M4 6h.01M4 12h.01M4 18h.01',
  gpio: 'M7 7h10v10H7zM10 7V3m4 4V3m-4 18v-4m4 4v-4M7 10H3m4 4H3m18-4h-4m4 4h-4',
  metrics: 'M3 20h18M5 16l4-5 4 3 6-8',
  settings: 'M4 7h9m4 0h3M4 17h3m4 0h9M15 4.8v4.4M9 14.8v4.4',
  chat: 'M4 5h16v11H9l-5 4z',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2m0 16v2M2 12h2m16 0h2M5 5l1.4 1.4m11.2 11.2L19 19M5 19l1.4-1.4M17.6 6.4 19 5',
  moon: 'M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z',
  close: 'M6 6l12 12M18 6 6 18',
  check: 'M5 12.5l5 5L19 7',
  pencil: 'M4 20l1-4L16 5l3 3L8 19z',
  identify: 'M9 18h6m-5 3h4M8.5 14.5a6 6 0 1 1 7 0c-.6.5-.9 1.2-1 1.5h-5c-.1-.3-.4-1-1-1.5z',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  send: 'M4 12 20 4l-5 16-4-7z',
  alerts: 'M6 16.5V11a6 6 0 0 1 12 0v5.5l1.5 2h-15zM10 21h4',
  audit: 'M6 3h9l4 4v14H6zM9.5 9h5M9.5 13h6M9.5 17h6',
  alert: 'M12 4 2.5 20h19zM12 10v4.5m0 2.8v.1',
  back: 'M14 6l-6 6 6 6',
  down: 'M6 9l6 6 6-6',
  plus: 'M12 5v14M5 12h14',
  people:
    'M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20c.5-4 3-6 6.5-6s6 2 6.5 6M16 4.5a3.5 3.5 0 0 1 0 6.3M18 14.5c2 .8 3.2 2.7 3.5 5.5',
  more: 'M4 7h16M4 12h16M4 17h16',
  play: 'M8 5.5v13l11-6.5z',
  stop: 'M7 7h10v10H7z',
  pause: 'M8 6h2.5v12H8zM13.5 6H16v12h-2.5z',
  next: 'M6 6l8 6-8 6zM16 6h2v12h-2z',
  previous: 'M18 6l-8 6 8 6zM6 6h2v12H6z',
} as const

export type IconName = keyof typeof shapes

const filled: readonly IconName[] = ['play', 'stop', 'pause', 'next', 'previous']

/** A picture beside words or inside a labelled button; it says nothing itself. */
export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class={filled.includes(name) ? 'icon solid' : 'icon'} viewBox="0 0 24 24" aria-hidden="true">
      <path d={shapes[name]} />
    </svg>
  )
}
