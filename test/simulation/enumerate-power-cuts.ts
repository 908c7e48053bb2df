import { createHash } from 'node:crypto'
import { Prng } from '../../src/link/prng.ts'
import type { BoardConfig } from '../../src/virtual/board-config.ts'
import { defaultBoardConfig } from '../../src/virtual/board-config.ts'
import { Flash } from '../../src/virtual/flash.ts'
import { tornErase, tornProgram } from '../../src/virtual/torn-operation.ts'
import { WasmBoard } from '../../src/virtual/wasm-board.ts'
import { planSession, type SessionPlan } from './faults.ts'
import { installed, layoutOf, readRecord, readSlot, slotAddress } from './flash-layout.ts'
import type { KnownPattern } from './pattern-watch.ts'
import { runWorld } from './run-session.ts'
import { drawFrames, oldImage, patternFile } from './sim-files.ts'

/** One operation of an update: the flash before it, and what it wants to put where. */
interface Operation {
  readonly before: Buffer
  readonly address: number
  readonly wanted: Buffer
  readonly erases: boolean
}

export interface PowerCutSummary {
  /** Writes and erased units of the update. */
  readonly operations: number
  /** Cuts that were tried: every byte of every operation from both ends, and torn bits. */
  readonly cuts: number
  /** Contents of the flash that differ from each other. */
  readonly states: number
  /** States after which the whole update was run again to its end. */
  readonly finished: number
  readonly bad: readonly string[]
}

export interface PowerCutOptions {
  readonly seed: number
  /** After every so many cuts a host comes back and finishes the update; 1: after each. */
  readonly finishEvery: number
}

const noSlot = 255
const slotBytes = 6144
const frameCount = 72
/** Torn in other ways than byte by byte, as src/virtual/torn-operation.ts has them. */
const tornWays = 6

/** A small board, so that all states of an update can be tried: two slots, one of them playing the old pattern. */
function smallPlan(seed: number): SessionPlan {
  const prng = new Prng(seed)
  const config: BoardConfig = {
    ...defaultBoardConfig,
    uuid: new Uint8Array(16).fill(7),
    leds: 16,
    width: 4,
    height: 4,
    slots: 2,
    eraseUnit: 256,
    storageBytes: 512 + 2 * slotBytes,
    maxBody: 128,
    window: 512,
    rxBuffer: 512,
    blockBytes: 256,
    decodeBytes: 1024,
  }
  const old = drawFrames(prng, config.leds, 3, [])
  return {
    ...planSession(seed),
    config,
    baudRate: null,
    raiseTo: undefined,
    latencyMs: [0, 0],
    storeMs: 0,
    slowFlashMs: 0,
    old,
    file: patternFile(drawFrames(prng, config.leds, frameCount, []), config),
    faults: [],
  }
}

/** The free slot is full of remains, so that each byte of its erasing makes another state. */
function withRemains({ seed, config, old }: SessionPlan): Uint8Array {
  const prng = new Prng(seed + 1)
  const contents = Buffer.alloc(config.storageBytes, 0xff)
  if (old === undefined) throw new Error('there is no old pattern')
  for (const { address, bytes } of installed(config, oldImage(old, config))) contents.set(bytes, address)
  for (let at = slotAddress(layoutOf(config), 1); at < contents.length; at++) contents[at] = prng.below(256)
  return contents
}

/** Cuts the power in every operation of a full update, BEGIN to CONFIRM, and looks at what the board makes of each state. */
export async function enumeratePowerCuts({ seed, finishEvery }: PowerCutOptions): Promise<PowerCutSummary> {
  const small = smallPlan(seed)
  const plan = { ...small, flash: { contents: withRemains(small), patterns: [] } }
  const { operations, old, now } = await record(plan)
  const bad: string[] = []
  const seen = new Set<string>()
  let cuts = 0
  let finished = 0
  for (const [index, operation] of operations.entries()) {
    for (const [way, torn] of tears(operation)) {
      cuts++
      const flash = Buffer.from(operation.before)
      torn.copy(flash, operation.address)
      const state = createHash('sha1').update(flash).digest('hex')
      const isNew = !seen.has(state)
      seen.add(state)
      const where = `operation ${index + 1} of ${operations.length}, ${way}`
      const wrong = isNew ? lookAt(plan.config, flash, [old, now]) : undefined
      if (wrong !== undefined) bad.push(`${where}: ${wrong}`)
      if (cuts % finishEvery !== 0) continue
      finished++
      const outcome = await finish({ ...plan, flash: { contents: flash, patterns: [now] } })
      if (outcome !== undefined) bad.push(`${where}: ${outcome}`)
    }
  }
  return { operations: operations.length, cuts, states: seen.size, finished, bad }
}

/** The update without a cut, operation by operation. */
async function record(
  plan: SessionPlan,
): Promise<{ operations: Operation[]; old: KnownPattern; now: KnownPattern }> {
  const operations: Operation[] = []
  const known: KnownPattern[] = []
  const result = await runWorld(plan, {
    onWorld: world => {
      const { flash } = world.board
      world.board.watch.onLearn = pattern => void known.push(pattern)
      let before = Buffer.from(flash.contents())
      const tell = flash.onChange
      flash.onChange = (address, sizeBytes) => {
        const after = Buffer.from(flash.contents())
        const wanted = Buffer.from(after.subarray(address, address + sizeBytes))
        const erases = sizeBytes === plan.config.eraseUnit && wanted.every(byte => byte === 0xff)
        operations.push({ before, address, wanted, erases })
        before = after
        tell(address, sizeBytes)
      }
    },
  })
  const [now] = known
  if (result.outcome !== 'done' || now === undefined || plan.old === undefined)
    throw new Error(`the update to record ended ${result.outcome}: ${result.violations.join('; ')}`)
  const { oldPattern } = result
  if (oldPattern === undefined) throw new Error('there is no old pattern')
  return { operations, old: oldPattern, now }
}

/** The first bytes done, the last bytes done, for each number of bytes; then bits here and there. */
function* tears({ before, address, wanted, erases }: Operation): Generator<[string, Buffer]> {
  const held = before.subarray(address, address + wanted.length)
  for (let done = 0; done <= wanted.length; done++) {
    yield [`first ${done} bytes`, Buffer.concat([wanted.subarray(0, done), held.subarray(done)])]
    const from = wanted.length - done
    if (done > 0 && from > 0)
      yield [`last ${done} bytes`, Buffer.concat([held.subarray(0, from), wanted.subarray(from)])]
  }
  for (let way = 0; way < tornWays; way++) {
    const prng = new Prng(address * 31 + way)
    const random = () => prng.real()
    yield [
      `torn bits ${way}`,
      Buffer.from(erases ? tornErase(held, random) : tornProgram(held, wanted, random)),
    ]
  }
}

function flashWith(config: BoardConfig, contents: Uint8Array): Flash {
  const flash = new Flash({ sizeBytes: config.storageBytes, eraseUnit: config.eraseUnit })
  flash.write(0, contents)
  return flash
}

/** Boots a board on this flash: what its record names, and what it shows, must be the old or the new pattern, whole. */
function lookAt(
  config: BoardConfig,
  contents: Buffer,
  patterns: readonly KnownPattern[],
): string | undefined {
  const layout = layoutOf(config)
  const flash = flashWith(config, contents)
  let shown: { readonly id: string; readonly frame: number; readonly pixels: Uint8Array } | undefined
  const board = new WasmBoard({
    config,
    storage: flash,
    now: () => 0,
    onSend: () => undefined,
    onFrame: ({ id, frame, pixels }) => {
      shown ??= { id: Buffer.from(id).toString('hex'), frame, pixels: pixels.slice() }
    },
  })
  board.reset()
  for (let polls = 0; shown === undefined && polls < 64; polls++) board.poll(polls)
  const after = Buffer.from(flash.contents())
  const { active } = readRecord(after, layout)
  if (active === noSlot) return 'nothing is active'
  const slotFlash = after.subarray(
    slotAddress(layout, active),
    slotAddress(layout, active) + layout.slotBytes,
  )
  const slot = readSlot(slotFlash, { ...layout, areaBytes: 0, slots: 1 }, 0)
  const whole = patterns.find(
    ({ manifest, image }) =>
      slot?.state === 'verified' && slot.manifest.equals(manifest) && slot.image.equals(image),
  )
  if (slot === undefined || whole === undefined)
    return 'neither the old nor the new pattern is active and whole'
  if (shown?.id !== slot.id) return `the board shows ${shown?.id ?? 'nothing'}, not what is active`
  if (Buffer.compare(shown.pixels, whole.frames[shown.frame] ?? Buffer.alloc(0)) !== 0)
    return 'the board shows a wrong picture'
  return undefined
}

/** A host comes back to a board with this flash and ends the update. */
async function finish(plan: SessionPlan): Promise<string | undefined> {
  const { violations } = await runWorld(plan)
  return violations.length === 0 ? undefined : violations.join('; ')
}
