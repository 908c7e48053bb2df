import { useEffect, useState } from 'preact/hooks'
import type { GpioLineView, GpioView } from '../../wire/gpio.ts'
import { get, post } from '../api.ts'
import { EmptyState } from '../components/empty-state.tsx'
import { GpioLine } from '../components/gpio-line.tsx'
import { Notice } from '../components/notice.tsx'
import { PageHead } from '../components/page-head.tsx'
import { follow } from '../live.ts'
import { asTrouble } from '../model/problem.ts'
import { mayOperate } from '../state/session.ts'
import { attempt } from '../state/toasts.ts'

const backends = { gpiod: 'the character device', onoff: 'sysfs', memory: 'memory, for trying out' }

export function GpioPage() {
  const [view, setView] = useState<GpioView | null>(null)
  const [trouble, setTrouble] = useState<string | null>(null)
  useEffect(() => {
    const load = () =>
      void get<GpioView>('/gpio?limit=100').then(setView, (thrown: unknown) =>
        setTrouble(asTrouble(thrown).message),
      )
    load()
    const take = (line: GpioLineView) =>
      setView(
        before =>
          before && {
            ...before,
            lines: before.lines.map(known => (known.name === line.name ? line : known)),
          },
      )
    return follow(['gpio'], ({ type, data }) => type === 'line' && take(data as GpioLineView), load)
  }, [])
  const simulate = (name: string, action: 'press' | 'down' | 'up') =>
    void attempt(() => post(`/gpio/${encodeURIComponent(name)}/simulate`, { action }))
  const backend = view?.backend ?? null
  return (
    <>
      <PageHead title="GPIO" {...(backend !== null && { words: `Pins through ${backends[backend]}` })} />
      {trouble !== null && <Notice tone="bad">{trouble}</Notice>}
      {view !== null && (!view.enabled || view.lines.length === 0) && (
        <EmptyState icon="gpio" title="No lines are set up">
          Buttons, a status LED and reset lines are named in the configuration file under <code>gpio</code>.
        </EmptyState>
      )}
      <ul class="lines">
        {view?.lines.map(line => (
          <GpioLine
            key={line.name}
            line={line}
            onSimulate={
              backend === 'memory' && mayOperate.value ? action => simulate(line.name, action) : null
            }
          />
        ))}
      </ul>
    </>
  )
}
