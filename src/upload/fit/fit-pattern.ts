import type { BoardProfile } from '../../board/profile.ts'
import { AppError } from '../../kernel/errors.ts'
import type { CompiledPattern } from '../../pattern/compile.ts'
import type { PatternFault } from '../../pattern/fault.ts'
import type { PatternLimits } from '../../pattern/limits.ts'
import type { Pattern } from '../../pattern/pattern.ts'
import { buildImage, buildOpaqueImage } from '../../protocol/image.ts'
import type { BoardFit, FitAdvice, FitProblem } from '../../wire/pattern-fit.ts'
import { compileFor, type ImageCaps, neededBytes, readPattern, takeImage } from '../prepare.ts'
import type { UploadOptions } from '../upload-options.ts'
import { sizeAdvice } from './size-advice.ts'

export interface FitOrder {
  readonly options: UploadOptions
  readonly board: BoardProfile
  readonly caps: ImageCaps
}

export type PatternFit = Omit<BoardFit, 'boardId' | 'name'>

/** Whether a file goes onto a board, and what would make it fit. Compiles it as an upload would. */
export function fitPattern(
  source: Uint8Array,
  { options, board, caps }: FitOrder,
  limits: PatternLimits,
): PatternFit {
  const capMa = board.powerCapMa ?? null
  const none = { neededBytes: null, slotBytes: caps.slotBytes, overKb: 0, peakMa: null, capMa }
  try {
    if (options.raw) {
      const needed = neededBytes(takeImage(buildOpaqueImage(source, options.fileName, caps, 0)))
      return { ...none, ...sized(needed, caps, [], () => [shorter]) }
    }
    const pattern = readPattern(source, options, board, limits)
    const { compiled, peakMa, problems, advice } = compileAnyhow(pattern, options, board)
    if (compiled === undefined) return { ...none, fits: false, peakMa, problems, advice }
    const built = buildImage(compiled, caps, 0)
    if (!built.ok && built.fault.kind !== 'does-not-fit' && built.fault.kind !== 'too-many-blocks')
      takeImage(built)
    const more = () => sizeAdvice(compiled, caps, built.ok ? built.value : undefined)
    if (built.ok) return { ...none, peakMa, ...sized(neededBytes(built.value), caps, problems, more, advice) }
    const refused = { kind: 'size', message: messageOf(() => takeImage(built)) } as const
    return { ...none, fits: false, peakMa, problems: [...problems, refused], advice: [...advice, ...more()] }
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown
    return { ...none, fits: false, problems: [{ kind: 'reading', message: thrown.message }], advice: [] }
  }
}

const shorter: FitAdvice = { kind: 'frames', message: 'Send a shorter file.' }

function messageOf(act: () => unknown): string {
  try {
    act()
  } catch (thrown) {
    if (thrown instanceof AppError) return thrown.message
    throw thrown
  }
  return ''
}

function sized(
  needed: number,
  { slotBytes }: ImageCaps,
  problems: readonly FitProblem[],
  more: () => readonly FitAdvice[],
  advice: readonly FitAdvice[] = [],
) {
  const overKb = Math.max(0, Math.ceil((needed - slotBytes) / 1024))
  if (overKb === 0) return { fits: problems.length === 0, neededBytes: needed, overKb, problems, advice }
  const message = `It needs ${needed} bytes after compression; a slot of the board has ${slotBytes}: ${overKb} KB too much.`
  return {
    fits: false,
    neededBytes: needed,
    overKb,
    problems: [...problems, { kind: 'size' as const, message }],
    advice: [...advice, ...more()],
  }
}

interface Compiled {
  /** undefined: no image of this shape can be made. */
  readonly compiled: CompiledPattern | undefined
  readonly peakMa: number | null
  readonly problems: readonly FitProblem[]
  readonly advice: readonly FitAdvice[]
}

/** A pattern that draws too much is compiled all the same, to see how large it is. */
function compileAnyhow(pattern: Pattern, options: UploadOptions, board: BoardProfile): Compiled {
  const first = compileFor(pattern, options, board)
  if (first.ok) return { compiled: first.value, peakMa: first.value.peakMa, problems: [], advice: [] }
  const { fault } = first
  if (fault.kind !== 'power_exceeded') {
    const [what = '', ...cure] = fault.message.split('; ')
    return {
      compiled: undefined,
      peakMa: null,
      problems: [{ kind: fault.kind === 'does_not_fit' ? 'shape' : 'reading', message: sentence(what) }],
      advice: cure.length === 0 ? [] : [{ kind: 'shape', message: sentence(cure.join('; ')) }],
    }
  }
  const uncapped = compileFor(pattern, options, { ...board, powerCapMa: undefined })
  return {
    compiled: uncapped.ok ? uncapped.value : undefined,
    peakMa: fault.peakMa,
    problems: [{ kind: 'power', message: powerWords(fault) }],
    advice: [powerAdvice(fault)],
  }
}

type PowerFault = Extract<PatternFault, { readonly kind: 'power_exceeded' }>

const amps = (ma: number): string => `${(ma / 1000).toFixed(2)} A`

const powerWords = ({ frame, peakMa, capMa }: PowerFault): string =>
  `Frame ${frame} would draw about ${amps(peakMa)}; the board is limited to ${amps(capMa)}.`

const powerAdvice = ({ fittingBrightness }: PowerFault): FitAdvice =>
  fittingBrightness === null
    ? {
        kind: 'power',
        message:
          'Even dark LEDs draw more than that: raise the power cap of the board if its supply allows it.',
      }
    : {
        kind: 'brightness',
        brightness: fittingBrightness,
        message: `Dim it: brightness ${fittingBrightness} of 255 fits (--brightness ${fittingBrightness}, or --scale-power), or raise the power cap of the board if its supply allows it.`,
      }

const sentence = (words: string): string =>
  `${words.charAt(0).toUpperCase()}${words.slice(1)}${/[.!?]$/.test(words) ? '' : '.'}`
