import type { BoardView } from '../wire/board.ts'
import type { MessageView } from '../wire/chat.ts'
import type { HealthView } from '../wire/health.ts'
import type { JobView } from '../wire/job.ts'
import type { LiveMessage, ProgressView } from '../wire/live.ts'

/** One line for people: the time, the topic, and what has happened. */
export function liveLine({ ts, topic, type, data }: LiveMessage): string {
  const time = new Date(ts).toLocaleTimeString('en-GB')
  const words = wordsOf[type]?.(data as never) ?? short(data)
  return `${time}  ${(topic.split('/', 1)[0] ?? topic).padEnd(8)}  ${words}\n`
}

const percent = (part: number, whole: number): string =>
  whole === 0 ? '' : ` ${Math.floor((100 * part) / whole)} %`

const wordsOf: Readonly<Record<string, (data: never) => string>> = {
  board: ({ name, state, status }: BoardView) => {
    const playing = status?.patternName == null ? '' : `, ${status.mode} ${status.patternName}`
    return `${name} ${state}${playing}`
  },
  job: ({ name, id, state, durableBlocks, blocks, errorMessage }: JobView) =>
    `${name} (${id.slice(-8)}) ${state}${percent(durableBlocks, blocks)}${errorMessage === null ? '' : `: ${errorMessage}`}`,
  progress: ({ jobId, phase, doneBytes, totalBytes }: ProgressView) =>
    `${jobId.slice(-8)} ${phase}${percent(doneBytes, totalBytes)}`,
  message: ({ author, text }: MessageView) => `${author ?? 'pixelgate'}: ${text.replaceAll('\n', ' ')}`,
  health: ({ status, score, checks }: HealthView) => {
    const bad = checks
      .filter(check => check.status !== 'ok')
      .map(({ name, message }) => `${name}: ${message}`)
    return [`${status}, score ${score}`, ...bad].join('; ')
  },
}

const longest = 200

/** What there are no words for yet, as JSON. */
function short(data: unknown): string {
  const text = JSON.stringify(data)
  return text.length > longest ? `${text.slice(0, longest)}…` : text
}
