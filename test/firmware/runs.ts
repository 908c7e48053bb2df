import type { Wiring } from '../../src/pattern/wiring.ts'
import { eventually } from '../support/pixelgate.ts'
import { type Frame, type Strip, wanted } from './drawings.ts'
import type { AvrBoard } from './simavr/avr-board.ts'
import type { Picture } from './ws2812.ts'

/** Pictures of one pattern without a break, each the frame after the one before it. */
export interface Run {
  /** Index of the pattern, −1 for black. */
  readonly pattern: number
  readonly fromMs: number
  readonly pictures: number
  /** How far the time to the next picture was from the frame's delay, and when. */
  readonly off: readonly { readonly atMs: number; readonly ms: number }[]
}

/** 200 LEDs take 6 ms; the rig's answer comes a little later. */
const longestPictureMs = 10

const hex = (bytes: Uint8Array = new Uint8Array()) => Buffer.from(bytes).toString('hex')

/**
 * Explains every picture: it is the next frame of what runs, or a run begins with it, which frame 0 of any pattern and black may do. Throws at the
 * first picture that is neither. After each of `restartsMs` a run begins in any case; the picture that was on its way then may lack its end.
 */
export function runsOf(
  pictures: readonly Picture[],
  patterns: readonly (readonly Frame[])[],
  strip: Strip,
  wiring: Wiring,
  restartsMs: readonly number[] = [],
): readonly Run[] {
  const all = patterns.map(frames => frames.map(frame => wanted(frame, strip, wiring)))
  const black = Buffer.alloc(strip.leds * 3)
  const runs: (Run & { pictures: number; off: { atMs: number; ms: number }[] })[] = []
  let [next, sinceMs] = [0, 0]
  for (const [i, { atMs, bytes }] of pictures.entries()) {
    const run = runs.at(-1)
    const frames = all[run?.pattern ?? -1]
    const cutShort = restartsMs.some(ms => ms >= atMs && ms < atMs + longestPictureMs)
    if (cutShort && bytes.length < black.length && frames?.[next]?.subarray(0, bytes.length).equals(bytes))
      continue
    const restarted = restartsMs.some(ms => ms > sinceMs && ms <= atMs)
    if (run !== undefined && !restarted && frames?.[next]?.equals(bytes) === true) {
      const delayMs = patterns[run.pattern]?.at(next - 1)?.delayMs ?? 0
      run.off.push({ atMs: sinceMs, ms: atMs - sinceMs - delayMs })
      run.pictures++
      next = (next + 1) % frames.length
    } else {
      const pattern = black.equals(bytes) ? -1 : all.findIndex(([first]) => first?.equals(bytes))
      if (pattern < 0 && !black.equals(bytes))
        throw new Error(
          `picture ${i} at ${atMs.toFixed(1)} ms is nobody's first frame, nor frame ${next} of pattern ${run?.pattern}: ${hex(bytes)}, not ${hex(frames?.[next])}`,
        )
      runs.push({ pattern, fromMs: atMs, pictures: 1, off: [] })
      next = pattern < 0 ? 0 : 1 % (all[pattern]?.length ?? 1)
    }
    sinceMs = atMs
  }
  return runs
}

/** Faults that no restart explains: one may cut a pulse and its picture short. */
export const unexplained = (faults: readonly string[], restartsMs: readonly number[]): readonly string[] =>
  faults.filter(fault => {
    const atMs = Number.parseFloat(fault)
    return !restartsMs.some(ms => ms >= atMs && ms < atMs + longestPictureMs)
  })

/** What is off by more than `ms` after `sinceMs`, in words. */
export const offBy = (ms: number, runs: readonly Run[], sinceMs = 0): readonly string[] =>
  runs.flatMap(({ off, fromMs }) =>
    off
      .filter(gap => gap.atMs >= sinceMs && Math.abs(gap.ms) > ms)
      .map(
        gap =>
          `at ${gap.atMs.toFixed(1)} ms, in the run from ${fromMs.toFixed(1)} on, by ${gap.ms.toFixed(3)} ms`,
      ),
  )

/** The board's time at which the rig answered. */
export const timeMs = ({ cycles }: { readonly cycles: number }): number => cycles / 16e3

/** Waits until so much of the board's time has passed; returns where it is now. */
export async function later(board: AvrBoard, ms: number): Promise<number> {
  const now = async () => timeMs(await board.stats())
  const endMs = (await now()) + ms
  await eventually(async () => (await now()) >= endMs, `${ms} ms of the board`)
  return endMs
}
