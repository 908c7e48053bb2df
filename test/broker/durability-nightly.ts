import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { seededRandom } from '../support/synthetic-patterns.ts'
import { durabilityCampaign } from './durability-campaign.ts'

/**
 * `--kills 50 --messages 20000 --seed 1`: kills of the broker under durable messages, then figures without kills. Each line is a
 * campaign; ends with status 1 when something was lost.
 */
const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '50' },
    messages: { type: 'string', default: '20000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
})
const [kills, total, seed] = [Number(values.kills), Number(values.messages), Number(values.seed)]
const campaigns = [
  { name: 'QoS 1, window 500', qos: 1, inFlight: 500, kills, payloadBytes: 256 },
  { name: 'QoS 2, 20 in flight', qos: 2, inFlight: 20, kills, payloadBytes: 256 },
  { name: 'QoS 1, window 1000, no kill', qos: 1, inFlight: 1000, kills: 0, payloadBytes: 256 },
  { name: 'QoS 2, 20 in flight, no kill', qos: 2, inFlight: 20, kills: 0, payloadBytes: 256 },
  { name: 'QoS 1, each commit 50 ms', qos: 1, inFlight: 500, kills: 0, payloadBytes: 256, commitDelayMs: 50 },
] as const
for (const { name, ...campaign } of campaigns) {
  const folder = await mkdtemp(join(tmpdir(), 'pixelgate-durability-'))
  const tally = await durabilityCampaign({ ...campaign, folder, total, random: seededRandom(seed) })
  process.stdout.write(`${JSON.stringify({ name, seed, messages: total, ...tally })}\n`)
  const doubled = campaign.qos === 2 && tally.twice + tally.disordered > 0
  if (tally.lost > 0 || doubled || tally.acknowledged < total) process.exitCode = 1
  await rm(folder, { recursive: true, force: true })
}
