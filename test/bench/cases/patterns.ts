import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../../src/kernel/clock.ts'
import { decodeManifest } from '../../../src/protocol/manifest.ts'
import { openStore } from '../../../src/store/store.ts'
import { startLineModel } from '../../support/line-model.ts'
import { type PatternKind, syntheticPattern } from '../../support/synthetic-patterns.ts'
import { uploadByCommand } from '../command-upload.ts'
import type { Context } from '../context.ts'
import { stdFile } from '../payload.ts'
import { atLeast, atMost, type Row, row, type Target } from '../row.ts'

const timeoutMs = 90_000
const targets: Partial<Record<PatternKind, Target>> = {
  text: atLeast(10),
  sprites: atLeast(10),
  'fire-37': atLeast(2),
  'fire-256': atLeast(2),
  noise: atLeast(0.97),
}
const compressible: readonly PatternKind[] = [
  'text',
  'sprites',
  'chase',
  'fade',
  'fire-37',
  'fire-256',
  'plasma',
]

/** What people draw, against the same pixels sent as they are over a line that carries nothing else. */
export async function* patterns({ main, seed, quick }: Context): AsyncGenerator<Row> {
  const rates = quick ? [500_000] : [115_200, 500_000]
  for (const baudRate of rates) {
    for (const kind of quick ? (['text', 'sprites', 'fire-37'] as const) : compressible) {
      yield await againstRaw(main, kind, 300, baudRate, seed)
    }
    yield await againstRaw(main, 'noise', quick ? 100 : 300, baudRate, seed)
  }
  for (const kind of quick ? (['sprites'] as const) : (['sprites', 'fire-37', 'noise'] as const)) {
    yield await frameInserted(main, kind, seed)
  }
}

async function againstRaw(
  main: string,
  kind: PatternKind,
  frames: number,
  baudRate: number,
  seed: number,
): Promise<Row> {
  const pattern = syntheticPattern(kind, { frames, seed })
  const decodedBytes = pattern.frames.length * pattern.leds * pattern.channels
  const model = await startLineModel({ baudRate, nativeBoard: true, seed })
  try {
    const port = model.lines[0]?.host ?? ''
    const upload = await uploadByCommand(stdFile(pattern), {
      main,
      port,
      baudRate,
      fileName: `${kind}.bin`,
      args: [],
      timeoutMs,
    })
    const { report, totalSeconds, failure } = upload
    const rawSeconds = (decodedBytes * 10) / baudRate
    const detail = {
      frames,
      s: totalSeconds,
      'raw line s': rawSeconds,
      'from first DATA ×': report === undefined ? null : rawSeconds / (report.durationMs / 1000),
      'payload B': report?.payloadBytes ?? null,
      ...(report === undefined && { failure }),
    }
    const figure = report === undefined ? null : rawSeconds / totalSeconds
    const target = targets[kind]
    return row({
      case: 'patterns',
      line: `${baudRate}`,
      what: kind,
      figure,
      unit: '×',
      seed,
      detail,
      ...(target && { target }),
    })
  } finally {
    await model.stop()
  }
}

/** The same drawing with one frame more in the middle, to a board that has the former: what is sent again. */
async function frameInserted(main: string, kind: PatternKind, seed: number): Promise<Row> {
  const baudRate = 500_000
  const before = syntheticPattern(kind, { frames: 300, seed })
  const at = 100 + (seed % 100)
  const added = {
    delayMs: 77,
    pixels: before.frames[0]?.pixels.map(value => value ^ 0x55) ?? new Uint8Array(),
  }
  const after = { ...before, frames: [...before.frames.slice(0, at), added, ...before.frames.slice(at)] }
  const stateDir = await mkdtemp(join(tmpdir(), 'delta-'))
  const model = await startLineModel({ baudRate, nativeBoard: true, seed })
  try {
    const shared = {
      main,
      port: model.lines[0]?.host ?? '',
      baudRate,
      fileName: `${kind}.bin`,
      args: [],
      timeoutMs,
      stateDir,
    }
    const first = await uploadByCommand(stdFile(before), shared)
    const second = await uploadByCommand(stdFile(after), shared)
    const fields = {
      case: 'patterns',
      line: `${baudRate}`,
      what: `${kind}: frame ${at} added to 300`,
      unit: 'blocks',
      target: atMost(2),
      seed,
    } as const
    if (first.report === undefined || second.report === undefined) {
      return row({ ...fields, figure: null, detail: { failure: first.failure || second.failure } })
    }
    const [old, now] = [
      await blocksOf(stateDir, first.report.job),
      await blocksOf(stateDir, second.report.job),
    ]
    const sent = now.filter(({ crc32 }) => !old.some(block => block.crc32 === crc32))
    const sentBytes = sent.reduce((sum, { storedBytes }) => sum + storedBytes, 0)
    const detail = {
      'payload B': second.report.payloadBytes,
      'first payload B': first.report.payloadBytes,
      'B of the blocks that differ': sentBytes,
      'blocks in all': now.length,
      s: second.totalSeconds,
    }
    // A block that could have been copied and was sent all the same shows as payload beyond the blocks that differ.
    const meanBytes = now.reduce((sum, { storedBytes }) => sum + storedBytes, 0) / now.length
    const figure = sent.length + Math.max(0, second.report.payloadBytes - sentBytes) / meanBytes
    return row({ ...fields, figure, detail })
  } finally {
    await model.stop()
    await rm(stateDir, { recursive: true, force: true })
  }
}

async function blocksOf(stateDir: string, job: string) {
  const store = await openStore(join(stateDir, 'cli.db'), { clock: systemClock })
  try {
    const { jobs } = await store.jobs.list({ limit: 20 })
    const sha = jobs.find(({ id }) => id === job)?.manifestSha
    const manifest = sha == null ? undefined : decodeManifest(await store.blobs.get(sha))
    if (manifest?.ok !== true) throw new Error(`job ${job} has no manifest`)
    return manifest.value.blocks
  } finally {
    await store.close()
  }
}
