/** Runs autocannon in a process of its own; what to ask for comes over standard input, since tokens are in it. */
import autocannon from 'autocannon'
import type { Load, LoadFigures } from './load.ts'

let text = ''
for await (const chunk of process.stdin) text += chunk
const { url, connections, seconds, requests } = JSON.parse(text) as Load
const result = await autocannon({ url, connections, duration: seconds, requests: [...requests] })
const { latency, errors, timeouts } = result
const counts = Object.entries(
  (result as { statusCodeStats?: Record<string, { count: number }> }).statusCodeStats ?? {},
)
const wrong = counts
  .filter(([status]) => !/^(2..|304)$/.test(status))
  .reduce((sum, [, { count }]) => sum + count, 0)
const figures: LoadFigures = {
  requests: result.requests.total,
  perSecond: result.requests.average,
  // autocannon has no 95 %.
  p97Ms: latency.p97_5,
  p99Ms: latency.p99,
  failed: errors + timeouts + wrong,
}
process.stdout.write(JSON.stringify(figures))
