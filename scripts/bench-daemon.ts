/** Measures the daemon as a whole: start, memory, an upload under load; see docs/benchmarks.md and `--help`. */
import { benchDaemon } from '../test/bench/daemon/bench-daemon.ts'

process.exitCode = await benchDaemon(process.argv.slice(2))
