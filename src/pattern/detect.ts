import { fail, ok, type Result } from '../kernel/result.ts'
import { type ByteSource, bytesSource } from './byte-source.ts'
import type { Candidate, Importer, ImportHint } from './candidate.ts'
import type { PatternFault } from './fault.ts'
import { readBinDat } from './import/bin-dat.ts'
import { readBinDim } from './import/bin-dim.ts'
import { readBinHeaderless } from './import/bin-headerless.ts'
import { readBinLedm } from './import/bin-ledm.ts'
import { readBinStd } from './import/bin-std.ts'
import { recogniseForeign } from './import/foreign.ts'
import { readFseq } from './import/fseq.ts'
import { readGif } from './import/gif.ts'
import { readIntelHex } from './import/intel-hex.ts'
import { readJinx } from './import/jinx.ts'
import { readLeds } from './import/leds.ts'
import { readPng } from './import/png.ts'
import { readPxg } from './import/pxg.ts'
import { readTpm2 } from './import/tpm2.ts'
import { readWled } from './import/wled.ts'
import { defaultLimits, type PatternLimits } from './limits.ts'

/** Formats that say themselves what they are. A new format is a file in import/ and a line here. */
const describing: readonly Importer[] = [
  readLeds,
  readGif,
  readPng,
  readFseq,
  readPxg,
  readJinx,
  readTpm2,
  readIntelHex,
  readWled,
  readBinLedm,
  readBinStd,
  readBinDim,
  readBinDat,
]

/** Raw readings listed beside a header that fits: enough to see the doubt, not a page of it. */
const rawBesideHeader = 4

/** Extensions that promise a format; a file so named that does not hold it is damaged, not raw pixels. */
const promises: Readonly<Record<string, string>> = {
  leds: "an LED Matrix Studio drawing, which begins with a line such as '{header'",
  png: 'a PNG picture, which begins with the bytes 89 50 4E 47',
  apng: 'an animated PNG, which begins with the bytes 89 50 4E 47',
  gif: "a GIF picture, which begins with 'GIF87a' or 'GIF89a'",
  hex: "an Intel HEX file, whose lines begin with ':'",
  out: 'a Jinx! recording, whose frames begin with a byte 1',
  tp2: 'a TPM2 recording, which begins with the bytes C9 DA',
  tpm2: 'a TPM2 recording, which begins with the bytes C9 DA',
  pxg: "a compiled image of pixelgate, which begins with 'PXG1'",
  fseq: "a sequence of xLights, which begins with 'PSEQ'",
  eseq: "an effect of xLights, which begins with 'ESEQ'",
}

/**
 * Every way to read the file, best first. The content decides; name and hints only narrow. An empty list never comes back: a file that
 * cannot be read is a fault that says what was found and expected.
 */
export function detectPattern(
  file: Uint8Array | ByteSource,
  hint: ImportHint = {},
  limits: PatternLimits = defaultLimits,
): Result<readonly Candidate[], PatternFault> {
  const source = file instanceof Uint8Array ? bytesSource(file) : file
  if (source.sizeBytes === 0) return fail({ kind: 'invalid', offset: 0, message: 'the file is empty' })
  const certain: Candidate[] = []
  let damage: PatternFault | undefined
  for (const importer of describing) {
    const read = importer(source, limits, hint)
    if (read.ok) certain.push(...read.value)
    else damage ??= read.fault
  }
  if (certain.length > 0) return narrowed(source, certain, limits, hint)
  if (damage !== undefined) return fail(damage)
  const foreign = recogniseForeign(source)
  if (foreign !== undefined) {
    const message = `this is ${foreign}, which holds no pattern that can be read; use an LED Matrix Studio drawing (.leds), a GIF or PNG, a sequence (.fseq), a recording (.out, .tpm2), a .hex, a .bin or a .pxg`
    return fail({ kind: 'unsupported', format: foreign, message })
  }
  const promise = promises[/\.([^.]*)$/.exec(hint.fileName ?? '')?.[1]?.toLowerCase() ?? '']
  if (promise !== undefined)
    return fail({
      kind: 'invalid',
      offset: 0,
      message: `byte 0: the file is named like ${promise}, but does not`,
    })
  return readBinHeaderless(source, limits, hint)
}

/** Adds the raw readings where the header is no magic, and drops what contradicts a given number of LEDs. */
function narrowed(
  source: ByteSource,
  certain: readonly Candidate[],
  limits: PatternLimits,
  hint: ImportHint,
): Result<readonly Candidate[], PatternFault> {
  const sorted = certain.toSorted((a, b) => b.confidence - a.confidence)
  // A reading that is raw itself, within a HEX file, has brought the others along.
  const raw = sorted.some(
    ({ confidence, selfDescribing, byChannel }) =>
      confidence >= 0.97 || !selfDescribing || byChannel === true,
  )
    ? fail(null)
    : readBinHeaderless(source, limits, hint)
  const all = raw.ok ? [...sorted, ...raw.value.slice(0, rawBesideHeader)] : sorted
  const fitting = hint.leds === undefined ? all : all.filter(candidate => candidate.leds === hint.leds)
  if (fitting.length > 0) return ok(fitting)
  const found = sorted.map(candidate => `${candidate.leds} (${candidate.format})`).join(', ')
  return fail({
    kind: 'bad_request',
    message: `${hint.leds} LEDs were asked for, but the file holds ${found}`,
  })
}
