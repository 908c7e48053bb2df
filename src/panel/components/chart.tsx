import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import type { MetricsSample } from '../../wire/health.ts'
import { dark } from '../state/appearance.ts'

export interface Plot {
  readonly title: string
  readonly format: (value: number) => string
  /** There is nothing between two whole numbers. */
  readonly whole?: boolean
  readonly lines: readonly { readonly name: string; readonly of: (sample: MetricsSample) => number }[]
}

interface Props {
  readonly plot: Plot
  readonly samples: readonly MetricsSample[]
}

const heightPx = 150
const colors = ['--accent', '--info', '--ok'] as const

/** One figure over the time; the latest value also stands in words. */
export function Chart({ plot, samples }: Props) {
  const box = useRef<HTMLDivElement>(null)
  const chart = useRef<uPlot | null>(null)
  const isDark = dark.value
  useEffect(() => {
    const element = box.current
    if (element === null) return
    const made = new uPlot(options(plot, element, isDark), data(plot, []), element)
    chart.current = made
    const sized = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: heightPx }))
    sized.observe(element)
    return () => {
      sized.disconnect()
      made.destroy()
    }
  }, [plot, isDark])
  // A chart in other colours is a new one and wants its data.
  useEffect(() => {
    chart.current?.setData(data(plot, samples))
  }, [plot, samples, isDark])
  const latest = samples.at(-1)
  return (
    <figure class="card chart">
      <figcaption>
        <strong>{plot.title}</strong>
        <span class="chart-values">
          {plot.lines.map(({ name, of }, at) => (
            <span key={name} class={`chart-value line-${at}`}>
              <i aria-hidden="true" />
              <span class="quiet small">{name}</span>{' '}
              <span class="number">{latest === undefined ? '–' : plot.format(of(latest))}</span>
            </span>
          ))}
        </span>
      </figcaption>
      <div ref={box} class="chart-box" aria-hidden="true" />
    </figure>
  )
}

const data = ({ lines }: Plot, samples: readonly MetricsSample[]): uPlot.AlignedData => [
  samples.map(({ ts }) => ts / 1000),
  ...lines.map(({ of }) => samples.map(of)),
]

/** `isDark` is not read: the colours are those of the page at this moment. */
function options(plot: Plot, element: HTMLElement, _isDark: boolean): uPlot.Options {
  const style = getComputedStyle(element)
  const color = (name: string) => resolved(element, name)
  const axis = {
    stroke: color('--quiet'),
    grid: { stroke: color('--line'), width: 1 },
    ticks: { show: false },
    font: `11px ${style.fontFamily}`,
  }
  return {
    width: element.clientWidth,
    height: heightPx,
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 8, 0, 0],
    scales: { y: { range: (_chart, _min, max) => [0, max > 0 ? max * 1.15 : 1] } },
    axes: [
      {
        ...axis,
        size: 24,
        space: 52,
        incrs: [60, 120, 300, 600],
        values: (_chart, values) => values.map(clock),
      },
      {
        ...axis,
        size: 66,
        space: 34,
        ...(plot.whole === true && { incrs: [1, 2, 5, 10, 20, 50, 100] }),
        values: (_chart, values) => values.map(plot.format),
      },
    ],
    series: [
      {},
      ...plot.lines.map((_line, at): uPlot.Series => {
        const stroke = color(colors[at] ?? '--accent')
        return {
          stroke,
          width: 1.6,
          points: { show: false },
          ...(at === 0 && { fill: `color-mix(in srgb, ${stroke} 14%, transparent)` }),
        }
      }),
    ],
  }
}

/** `14:05`, whatever the language. */
const clock = (seconds: number): string => new Date(seconds * 1000).toTimeString().slice(0, 5)

/** A colour of the theme as a canvas understands it. */
function resolved(element: HTMLElement, name: string): string {
  const probe = document.createElement('i')
  probe.style.color = `var(${name})`
  element.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}
