import { benchLive } from '../../../scripts/bench-web-live.ts'
import type { Row } from '../row.ts'
import { runCases } from '../run-cases.ts'
import { answers } from './answers.ts'
import { largeUpload } from './large-upload.ts'
import { lists } from './lists.ts'
import { benchStore } from './store.ts'
import type { WebContext } from './web-context.ts'

/** By the names that `--only` takes. */
const cases: Readonly<Record<string, (context: WebContext) => AsyncIterable<Row>>> = {
  answers,
  lists,
  upload: largeUpload,
  live: async function* ({ main, quick }) {
    yield* await benchLive(quick ? { main, clients: 300, paused: 50, seconds: 8 } : { main })
  },
  store: async function* ({ quick }) {
    yield* await benchStore(quick ? { rows: 20_000, repetitions: 20 } : {})
  },
}

const usage = `npm run bench:web -- [options]
  --quick       shorter runs, fewer clients: about a minute and a half
  --only NAME   one case: ${Object.keys(cases).join(', ')}; may be given again
  --seed S      of what is uploaded (1)
  --json        one JSON object instead of the table
  --main FILE   the gateway to measure; default: dist/main.js, built when it is stale
`

/** Measures the web side of a real gateway; exit status 0 if every promised figure was met. */
export const benchWeb = (args: readonly string[]): Promise<number> => runCases(args, { cases, usage })
