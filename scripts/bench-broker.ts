/** Measures the broker: CPU beside mosquitto, durability, memory, floods; see docs/benchmarks.md and `--help`. */
import { benchBroker } from '../test/bench/broker/bench-broker.ts'

process.exitCode = await benchBroker(process.argv.slice(2))
