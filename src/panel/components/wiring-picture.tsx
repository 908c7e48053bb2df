import { type Wiring, wiringPath } from '../model/wiring.ts'

/** A picture says it; more lines than these would say no more. */
const most = 6
const step = 12

/** How the strip runs, as a line from its first LED. */
export function WiringPicture({
  wiring,
  width,
  height,
}: {
  readonly wiring: Wiring
  readonly width: number
  readonly height: number
}) {
  const columns = Math.min(most, Math.max(2, width))
  const rows = Math.min(most, Math.max(2, height))
  const path = wiringPath(wiring, columns, rows)
  const place = ([x, y]: readonly [number, number]) => [x * step + step / 2, y * step + step / 2] as const
  const [startX, startY] = place(path[0] ?? [0, 0])
  return (
    <svg
      class="wiring"
      viewBox={`0 0 ${columns * step} ${rows * step}`}
      role="img"
      aria-label="The way of the strip over the board"
    >
      {path.map(point => {
        const [x, y] = place(point)
        return <circle key={`${x} ${y}`} class="wiring-led" cx={x} cy={y} r={2} />
      })}
      <polyline points={path.map(point => place(point).join(',')).join(' ')} />
      <circle class="wiring-start" cx={startX} cy={startY} r={3.4} />
    </svg>
  )
}
