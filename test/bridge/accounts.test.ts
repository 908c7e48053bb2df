import fc from 'fast-check'
import t from 'tap'
import { SerialBridge } from '../../src/bridge/serial-bridge.ts'
import { AppError } from '../../src/kernel/errors.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { type MemoryLinkPair, memoryLinkPair } from '../../src/link/memory-link.ts'

type Act =
  | { readonly type: 'publish'; readonly qos: 0 | 1; readonly sizeBytes: number }
  | { readonly type: 'say'; readonly sizeBytes: number }
  | { readonly type: 'plug' }
  | { readonly type: 'unplug' }
  | { readonly type: 'wait'; readonly ms: number }

const acts: fc.Arbitrary<Act> = fc.oneof(
  fc.record({
    type: fc.constant('publish' as const),
    qos: fc.constantFrom(0 as const, 1 as const),
    sizeBytes: fc.integer({ min: 8, max: 700 }),
  }),
  fc.record({ type: fc.constant('say' as const), sizeBytes: fc.integer({ min: 8, max: 400 }) }),
  fc.constantFrom({ type: 'plug' } as const, { type: 'unplug' } as const),
  fc.record({ type: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 3000 }) }),
)

const turns = async () => {
  for (let i = 0; i < 6; i++) await Promise.resolve()
}

/** A line of text that says which one it is. */
const numbered = (number: number, sizeBytes: number): string => `${number}:`.padEnd(sizeBytes, 'x')
const numbersIn = (text: string): number[] =>
  text
    .split('\n')
    .slice(0, -1)
    .flatMap(line => /^(\d+):x*$/.exec(line)?.[1] ?? [])
    .map(Number)

const rises = (numbers: readonly number[]): boolean =>
  numbers.every((each, i) => i === 0 || each > (numbers[i - 1] ?? 0))

async function run(list: readonly Act[], retain: boolean) {
  const clock = new VirtualClock()
  const statuses: string[] = []
  const heard: string[] = []
  let line: MemoryLinkPair | undefined
  let plugged = true
  const devices: { text: string }[] = []
  const bridge = new SerialBridge({
    clock,
    log: silentLog,
    random: () => 0.5,
    settings: {
      ...{ name: 'x', topic: 'x', address: 'x', baudRate: 9600, framing: 'line', newline: '\n' },
      ...{ lengthBytes: 2, lengthEndian: 'big', encoding: 'utf-8', qos: 1, retain },
      ...{ maxFrameBytes: 600, maxMessagesPerSecond: 20, maxQueuedBytes: 1024 },
    },
    open: async () => {
      if (!plugged) throw new AppError('port_missing', 'x is not there.')
      line = memoryLinkPair({ clock, baudRate: 9600 })
      const device = { text: '' }
      devices.push(device)
      line.board.onData(chunk => {
        device.text += Buffer.from(chunk).toString()
      })
      return line.host
    },
    publisher: {
      retain: async (_, status) => void statuses.push(JSON.stringify(status)),
      sendBytes: async (topic, payload) => {
        if (topic === 'x/rx') heard.push(Buffer.from(payload).toString())
      },
    },
  })
  bridge.start()
  let submitted = 0
  let said = 0
  let acknowledged = 0
  let asked = 0
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 50) {
      clock.advance(Math.min(50, left))
      await turns()
    }
  }
  await pass(1)
  for (const act of list) {
    if (act.type === 'wait') await pass(act.ms)
    else if (act.type === 'unplug') {
      plugged = false
      line?.cut()
    } else if (act.type === 'plug') plugged = true
    else if (act.type === 'say') line?.board.write(Buffer.from(`${numbered(++said, act.sizeBytes)}\n`))
    else {
      const payload = Buffer.from(numbered(++submitted, act.sizeBytes))
      if (act.qos === 0) bridge.send(payload, false)
      else {
        asked += 1
        // As the broker does: published in the order in which they are let through.
        void Promise.resolve(bridge.accepting(payload)).then(() => {
          acknowledged += 1
          bridge.send(payload, true)
        })
      }
    }
    await turns()
  }
  plugged = true
  await pass(20_000)
  const view = bridge.view()
  await bridge.stop()
  return { view, submitted, asked, acknowledged, heard, devices, statuses }
}

t.test('every message is sent or counted, in order and once, whatever becomes of the cable', async t => {
  await fc.assert(
    fc.asyncProperty(fc.array(acts, { maxLength: 60 }), fc.boolean(), async (list, retain) => {
      const { view, submitted, asked, acknowledged, heard, devices, statuses } = await run(list, retain)
      const { tx, rx } = view
      const arrived = devices.flatMap(({ text }) => numbersIn(text))
      const claims: readonly (readonly [string, boolean])[] = [
        ['the line is open at the end', view.state === 'open' && view.queuedBytes === 0],
        ['every message is accounted for', tx.frames + tx.dropped === submitted],
        ['every publisher is answered', acknowledged === asked],
        ['no message arrives twice', new Set(arrived).size === arrived.length],
        ['nothing arrives that is not counted', arrived.length <= tx.frames + (tx.reasons['line_lost'] ?? 0)],
        ['the line is heard in order, each once', rises(numbersIn(heard.map(text => `${text}\n`).join('')))],
        ['what was heard is counted', heard.length <= rx.frames],
        ['reasons add up', Object.values(tx.reasons).reduce((sum, each) => sum + each, 0) === tx.dropped],
        ['the last word is that it is closed', /"state":"closed"/.test(statuses.at(-1) ?? '')],
      ]
      const wrong = claims.filter(([, holds]) => !holds).map(([words]) => words)
      if (wrong.length > 0) throw new Error(`${wrong.join('; ')}: ${JSON.stringify(view)}`)
    }),
    { numRuns: 150 },
  )
  t.pass()
})
