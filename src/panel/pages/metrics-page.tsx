import 'uplot/dist/uPlot.min.css'
import { useEffect, useState } from 'preact/hooks'
import type { MetricsSample, MetricsSeriesView } from '../../wire/health.ts'
import { get } from '../api.ts'
import { Chart, type Plot } from '../components/chart.tsx'
import { Health } from '../components/health.tsx'
import { Notice } from '../components/notice.tsx'
import { PageHead } from '../components/page-head.tsx'
import { follow } from '../live.ts'
import { formatBytes, formatRate } from '../model/format.ts'
import { asTrouble } from '../model/problem.ts'
import { withSamples } from '../model/samples.ts'

const two = (value: number): string =>
  value === 0 ? '0' : value < 10 ? value.toFixed(value < 1 ? 2 : 1) : String(Math.round(value))
const perSecond = (value: number): string => `${two(value)}/s`

const plots: readonly Plot[] = [
  {
    title: 'Lines to the boards',
    format: formatRate,
    lines: [
      { name: 'out', of: sample => sample.linkOutBytesPerSecond },
      { name: 'in', of: sample => sample.linkInBytesPerSecond },
    ],
  },
  {
    title: 'CPU',
    format: cores => `${Math.round(cores * 100)} %`,
    lines: [{ name: 'of one core', of: sample => sample.cpuCores }],
  },
  {
    title: 'Memory',
    format: formatBytes,
    lines: [
      { name: 'resident', of: sample => sample.rssBytes },
      { name: 'heap', of: sample => sample.heapBytes },
    ],
  },
  {
    title: 'Event-loop delay, p99',
    format: ms => `${two(ms)} ms`,
    lines: [{ name: 'delay', of: sample => sample.eventLoopP99Ms }],
  },
  {
    title: 'Messages and requests',
    format: perSecond,
    lines: [
      { name: 'MQTT', of: sample => sample.mqttMessagesPerSecond },
      { name: 'HTTP', of: sample => sample.httpRequestsPerSecond },
    ],
  },
  {
    title: 'Who is connected',
    format: value => String(Math.round(value)),
    whole: true,
    lines: [
      { name: 'boards', of: sample => sample.boardsConnected },
      { name: 'panels', of: sample => sample.webSocketClients },
      { name: 'MQTT', of: sample => sample.mqttClients },
    ],
  },
]

/** How the gateway is: its checks, and its figures over the last minutes. */
export function MetricsPage() {
  const [samples, setSamples] = useState<readonly MetricsSample[]>([])
  const [trouble, setTrouble] = useState<string | null>(null)
  useEffect(() => {
    const load = () =>
      void get<MetricsSeriesView>('/metrics/series').then(
        series => setSamples(before => withSamples(before, series.samples)),
        (thrown: unknown) => setTrouble(asTrouble(thrown).message),
      )
    load()
    return follow(
      ['metrics'],
      ({ type, data }) =>
        type === 'sample' && setSamples(before => withSamples(before, [data as MetricsSample])),
      load,
    )
  }, [])
  return (
    <>
      <PageHead title="Metrics" words="The last minutes, once a second" />
      <Health />
      {trouble !== null && <Notice tone="bad">{trouble}</Notice>}
      <div class="charts">
        {plots.map(plot => (
          <Chart key={plot.title} plot={plot} samples={samples} />
        ))}
      </div>
    </>
  )
}
