/** Measures the web side: answers, lists, uploads, WebSockets, the database; see docs/benchmarks.md and `--help`. */
import { benchWeb } from '../test/bench/web/bench-web.ts'

process.exitCode = await benchWeb(process.argv.slice(2))
