import { Prng } from '../../src/link/prng.ts'
import { type BoardConfig, defaultBoardConfig } from '../../src/virtual/board-config.ts'
import { slotNeed } from './flash-layout.ts'
import type { KnownPattern } from './pattern-watch.ts'
import { drawFrames, type FrameSet, oldImage, opaqueFile, patternFile, type SimFile } from './sim-files.ts'

/** Damage that a line does to what passes, in either direction, until `untilMs`. */
export type LineFault = {
  readonly kind: 'bit-errors' | 'bursts' | 'drops' | 'insertions' | 'duplicates' | 'reordering' | 'stalls'
  /** For each bit, byte or chunk, as the kind has it. */
  readonly rate: number
  readonly untilMs: number
}

export type Fault =
  | LineFault
  | { readonly kind: 'latency' }
  /** Before or after the frame is handled; `onOpen`: opening the port resets the board too, as an Arduino's DTR does. */
  | {
      readonly kind: 'board-reset'
      readonly atFrame: number
      readonly before: boolean
      readonly onOpen: boolean
    }
  | { readonly kind: 'power-cut'; readonly operations: readonly number[] }
  | { readonly kind: 'slow-flash' }
  | { readonly kind: 'unplug'; readonly afterBytes: number; readonly toBoard: boolean }
  /** `backup`: the database that comes back is older, of this step; `rollback`: its generations are older still. */
  | {
      readonly kind: 'host-kill' | 'old-checkpoint' | 'generation-rollback'
      readonly atStep: number
      readonly backupStep: number
      readonly awayMs: number
    }
  | { readonly kind: 'trial-host-dies'; readonly awayMs: number; readonly afterReply: boolean }
  | { readonly kind: 'two-hosts'; readonly fromMs: number; readonly forMs: number; readonly shared: boolean }
  | { readonly kind: 'baud-switch'; readonly deaf: 'board' | 'host' | 'nobody' }
  /** It states a wrong hash, or says that it holds what it does not. */
  | { readonly kind: 'liar'; readonly about: 'hash' | 'missing' }
  | { readonly kind: 'babble'; readonly fromMs: number; readonly forMs: number }
  | { readonly kind: 'mute'; readonly atFrame: number; readonly forMs: number }
  | { readonly kind: 'wrong-board'; readonly atFrame: number; readonly forMs: number }
  | { readonly kind: 'twin-uuid'; readonly fromMs: number; readonly forMs: number }
  | { readonly kind: 'slot-corruption'; readonly atFrame: number; readonly bits: number }

export type FaultKind = Fault['kind']

/** Everything that a session is made of; follows from the seed alone. */
export interface SessionPlan {
  readonly seed: number
  readonly config: BoardConfig
  readonly baudRate: number | null
  readonly raiseTo: number | undefined
  readonly latencyMs: readonly [toBoard: number, toHost: number]
  readonly storeMs: number
  readonly slowFlashMs: number
  readonly old: FrameSet | undefined
  /** Instead of a blank flash with the old pattern; what else may be active in it. */
  readonly flash?: { readonly contents: Uint8Array; readonly patterns: readonly KnownPattern[] }
  readonly file: SimFile
  readonly otherFile: SimFile
  readonly faults: readonly Fault[]
}

const bauds = [9600, 57_600, 115_200, 500_000, 2_000_000]
const lineKinds: readonly LineFault['kind'][] = [
  'bit-errors',
  'bursts',
  'drops',
  'insertions',
  'duplicates',
  'reordering',
  'stalls',
]
export const faultKinds: readonly FaultKind[] = [
  ...lineKinds,
  'latency',
  'board-reset',
  'power-cut',
  'slow-flash',
  'unplug',
  'host-kill',
  'old-checkpoint',
  'generation-rollback',
  'trial-host-dies',
  'two-hosts',
  'baud-switch',
  'liar',
  'babble',
  'mute',
  'wrong-board',
  'twin-uuid',
  'slot-corruption',
]

/** Two that would make the other's end unknowable. */
const apart: readonly (readonly [FaultKind, FaultKind])[] = [
  ['wrong-board', 'twin-uuid'],
  ['wrong-board', 'two-hosts'],
  ['twin-uuid', 'two-hosts'],
]

/** The world and the faults of one session. */
export function planSession(seed: number): SessionPlan {
  const prng = new Prng(seed)
  const pick = <T>(values: readonly T[]): T => values[prng.below(values.length)] as T
  const kinds = chooseKinds(prng)
  const side = pick([2, 4, 4, 8])
  const maxBody = pick([64, 128, 128, 256, 512, 1024])
  const base: BoardConfig = {
    ...defaultBoardConfig,
    uuid: new Uint8Array(16).fill(7),
    leds: side * side,
    width: side,
    height: side,
    slots: pick([1, 2, 2, 3, 3]),
    eraseUnit: pick([256, 1024, 4096]),
    maxBody,
    rxBuffer: Math.max(256, maxBody * 2),
    window: Math.max(300, maxBody * (2 + prng.below(6))),
    lineRateBaud: pick([0, 115_200, 4_000_000]),
    maxBaud: 2_000_000,
    decodeBytes: pick([0, 1024, 16_384]),
    blockBytes: pick([256, 512, 1024, 4096]),
    digests: pick([1, 2, 3, 3]),
    boardName: 'simulated',
  }
  const old = prng.below(8) === 0 ? undefined : drawFrames(prng, base.leds, 1 + prng.below(4), [])
  const file = drawFile(prng, base, old)
  const otherFile = patternFile(drawFrames(prng, base.leds, 1 + prng.below(3), []), base)
  // Opaque blocks are of 4 KiB or of what the board takes; room for the larger manifest of small ones.
  const room = Math.max(
    roomFor(file, base),
    roomFor(otherFile, base),
    old === undefined ? 0 : slotNeed(oldImage(old, base)),
  )
  const slotBytes = Math.ceil(room / base.eraseUnit) * base.eraseUnit
  const config = { ...base, storageBytes: 2 * base.eraseUnit + base.slots * slotBytes }
  const reorders = kinds.includes('reordering')
  const switches = kinds.includes('baud-switch')
  const baudRate = reorders || (prng.below(4) === 0 && !switches) ? null : pick(bauds.slice(0, 4))
  const frames = 16 + Math.ceil((file.bytes.length * 1.2) / Math.min(maxBody, 1024))
  return {
    seed,
    config,
    baudRate,
    raiseTo: switches ? 2_000_000 : undefined,
    latencyMs: kinds.includes('latency') ? [prng.below(17), prng.below(17)] : [0, prng.below(2)],
    storeMs: pick([0, 0, 1, 5, 30]),
    slowFlashMs: kinds.includes('slow-flash') ? 1 + prng.below(30) : 0,
    old,
    file,
    otherFile,
    faults: kinds.map(kind => planFault(prng, kind, frames)),
  }
}

/** Mostly one fault, so that it is seen; often more, as troubles come. */
function chooseKinds(prng: Prng): readonly FaultKind[] {
  const chosen: FaultKind[] = []
  const wanted = [0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3][prng.below(12)] ?? 1
  while (chosen.length < wanted) {
    const kind = faultKinds[prng.below(faultKinds.length)] as FaultKind
    const excluded =
      chosen.includes(kind) ||
      apart.some(pair => pair.includes(kind) && chosen.some(other => pair.includes(other)))
    if (!excluded) chosen.push(kind)
  }
  return chosen
}

/** Half patterns, half opaque bytes; sizes spread over the powers of two, half of them below 2 KiB. */
function drawFile(prng: Prng, config: BoardConfig, old: FrameSet | undefined): SimFile {
  const sizeBytes = Math.floor(2 ** (5 + prng.real() * (prng.below(10) === 0 ? 10.5 : 8.5)))
  if (prng.below(2) === 0) return opaqueFile(prng, sizeBytes)
  const count = Math.max(1, Math.min(40, Math.floor(sizeBytes / (config.leds * 3))))
  const shared = old !== undefined && prng.below(2) === 0 ? old.frames : []
  return patternFile(drawFrames(prng, config.leds, count, shared), config)
}

/** Codecs never make a block longer than raw with its delays, which take 5 bytes a frame at most. */
function roomFor({ bytes, frames }: SimFile, { blockBytes }: BoardConfig): number {
  const imageBytes = bytes.length + frames.length * 8
  const blocks = frames.length + Math.ceil(imageBytes / Math.min(blockBytes, 4096)) + 1
  return 48 + 104 + blocks * 9 + imageBytes
}

const logUniform = (prng: Prng, from: number, to: number): number => from * (to / from) ** prng.real()

function planFault(prng: Prng, kind: FaultKind, frames: number): Fault {
  const untilMs = prng.below(2) === 0 ? Number.POSITIVE_INFINITY : 200 + prng.below(20_000)
  const atFrame = 1 + prng.below(frames)
  const forMs = 200 + prng.below(15_000)
  const awayMs = 50 + prng.below(14_000)
  switch (kind) {
    case 'bit-errors':
      return { kind, rate: logUniform(prng, 1e-6, 1e-3), untilMs }
    case 'bursts':
      return { kind, rate: logUniform(prng, 1e-3, 0.1), untilMs }
    case 'drops':
    case 'insertions':
      return { kind, rate: logUniform(prng, 5e-5, 4e-3), untilMs }
    case 'duplicates':
    case 'reordering':
      return { kind, rate: logUniform(prng, 0.01, 0.3), untilMs }
    case 'stalls':
      return { kind, rate: logUniform(prng, 0.005, 0.1), untilMs }
    case 'latency':
    case 'slow-flash':
      return { kind }
    case 'liar':
      return { kind, about: prng.below(3) === 0 ? 'missing' : 'hash' }
    case 'board-reset':
      return { kind, atFrame, before: prng.below(2) === 0, onOpen: prng.below(3) === 0 }
    case 'power-cut': {
      const operations = Array.from(
        { length: 1 + prng.below(3) },
        () => 3 + prng.below(Math.ceil(frames * 1.6)),
      )
      return { kind, operations }
    }
    case 'unplug': {
      const toBoard = prng.below(2) === 0
      return { kind, afterBytes: 1 + prng.below(frames * (toBoard ? 80 : 25)), toBoard }
    }
    case 'host-kill':
    case 'old-checkpoint':
    case 'generation-rollback': {
      const atStep = 1 + prng.below(frames * 3)
      return { kind, atStep, backupStep: prng.below(atStep), awayMs }
    }
    case 'trial-host-dies':
      return { kind, awayMs, afterReply: prng.below(2) === 0 }
    case 'two-hosts':
      return { kind, fromMs: prng.below(1500), forMs, shared: prng.below(2) === 0 }
    case 'baud-switch':
      return { kind, deaf: (['board', 'host', 'nobody'] as const)[prng.below(3)] ?? 'board' }
    case 'babble':
      return { kind, fromMs: prng.below(2000), forMs }
    case 'mute':
      return { kind, atFrame, forMs: 200 + prng.below(30_000) }
    case 'wrong-board':
      return { kind, atFrame, forMs }
    case 'twin-uuid':
      return { kind, fromMs: prng.below(2000), forMs }
    case 'slot-corruption':
      return { kind, atFrame, bits: 1 + prng.below(8) }
  }
}
