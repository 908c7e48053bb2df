import { useEffect, useState } from 'preact/hooks'
import type { CheckView, HealthView } from '../../wire/health.ts'
import { get } from '../api.ts'
import { follow } from '../live.ts'
import { formatDuration } from '../model/format.ts'
import { asTrouble } from '../model/problem.ts'
import { Badge } from './badge.tsx'
import { Notice } from './notice.tsx'

const tones = { ok: 'ok', warning: 'warn', failed: 'bad' } as const
const statusWords = {
  ok: 'All is well',
  degraded: 'Something needs a look',
  failing: 'Something has failed',
} as const

/** The checks of the gateway with their score. */
export function Health() {
  const [health, setHealth] = useState<HealthView | null>(null)
  const [trouble, setTrouble] = useState<string | null>(null)
  useEffect(() => {
    const load = () =>
      void get<HealthView>('/health').then(setHealth, (thrown: unknown) =>
        setTrouble(asTrouble(thrown).message),
      )
    load()
    return follow(['health'], ({ type, data }) => type === 'health' && setHealth(data as HealthView), load)
  }, [])
  if (trouble !== null && health === null) return <Notice tone="bad">{trouble}</Notice>
  if (health === null) return null
  const { status, score, version, uptimeSeconds, checks } = health
  return (
    <section class={`card health ${status}`}>
      <Score score={score} />
      <div class="health-words">
        <h2>{statusWords[status]}</h2>
        <p class="quiet small">
          {version}, running for {formatDuration(uptimeSeconds * 1000)}
        </p>
      </div>
      <ul class="checks">
        {checks.map(check => (
          <Check key={check.name} check={check} />
        ))}
      </ul>
    </section>
  )
}

function Check({ check: { name, status, message } }: { readonly check: CheckView }) {
  return (
    <li>
      <Badge tone={tones[status]} text={name} />
      <span class="quiet small">{message}</span>
    </li>
  )
}

const radius = 26
const around = 2 * Math.PI * radius

function Score({ score }: { readonly score: number }) {
  return (
    <svg class="score" viewBox="0 0 64 64" role="img" aria-label={`Health score ${Math.round(score)} of 100`}>
      <circle class="score-rest" cx={32} cy={32} r={radius} />
      <circle
        class="score-part"
        cx={32}
        cy={32}
        r={radius}
        stroke-dasharray={`${(around * score) / 100} ${around}`}
      />
      <text x={32} y={38} text-anchor="middle">
        {Math.round(score)}
      </text>
    </svg>
  )
}
