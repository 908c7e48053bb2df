/** Measures reading, drawing and compiling of patterns against their promised figures; see docs/benchmarks.md and `--help`. */
import { benchPattern } from '../test/bench/pattern/bench-pattern.ts'

process.exitCode = await benchPattern(process.argv.slice(2))
