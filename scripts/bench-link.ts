/** Measures links and uploads against their promised figures; see docs/benchmarks.md and `--help`. */
import { benchLink } from '../test/bench/bench-link.ts'

process.exitCode = await benchLink(process.argv.slice(2))
