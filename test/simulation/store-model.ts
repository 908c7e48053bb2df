import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { AppError } from '../../src/kernel/errors.ts'
import { boardId, jobId, patternId } from '../../src/kernel/ids.ts'
import { sha256 } from '../../src/store/sha256.ts'
import type { Store } from '../../src/store/store.ts'
import { unfinishedStates } from '../../src/store/tables/job-record.ts'
import { MemoryTables, memoryStore } from './memory-store.ts'

type Command = (store: Store) => Promise<unknown>

const boards = ['b1', 'b2'].map(boardId)
const jobs = ['j1', 'j2', 'j3', 'j4'].map(jobId)
const patterns = ['p1', 'p2', 'p3', 'p4'].map(patternId)
const contents = [0, 1, 2].map(byte => new Uint8Array(8).fill(byte))
const shas = contents.map(bytes => sha256(bytes).toString('hex'))

const board = fc.constantFrom(...boards)
const job = fc.constantFrom(...jobs)
const pattern = fc.constantFrom(...patterns)
const sha = fc.constantFrom(...shas)
const nowMs = fc.nat(1000)
const state = fc.constantFrom(...unfinishedStates)
const text = fc.constantFrom('a', 'b')

const newJob = fc.record({
  id: job,
  batchId: text,
  boardId: board,
  name: text,
  patternId: fc.option(pattern),
  raw: fc.boolean(),
  optionsJson: fc.constant('{}'),
  sourceSha: fc.option(sha),
  nowMs,
})
const seenBoard = fc.record({
  id: board,
  name: text,
  width: fc.constantFrom(0, 4),
  height: fc.constantFrom(0, 4),
  leds: fc.constant(16),
  wiring: text,
  colorOrder: text,
  linkKind: text,
  linkAddress: text,
  baudRate: fc.option(fc.constant(9600)),
  bootId: fc.nat(9),
  firmware: text,
  capsJson: fc.constant('{}'),
  nowMs,
})
const page = { limit: fc.integer({ min: 1, max: 4 }) }

/** Every operation of the four tables, with arguments that often fit together and sometimes do not. */
const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ at: fc.nat(2), nowMs }).map(
    ({ at, nowMs }): Command =>
      ({ blobs }) =>
        blobs.put({ bytes: contents[at] ?? new Uint8Array(0), nowMs }),
  ),
  sha.map(key => async ({ blobs }: Store) => [...(await blobs.get(key))]),
  nowMs.map(
    beforeMs =>
      ({ blobs }: Store) =>
        blobs.prune({ beforeMs }),
  ),
  seenBoard.map(
    seen =>
      ({ boards }: Store) =>
        boards.seen(seen),
  ),
  board.map(id => async ({ boards }: Store) => [await boards.get(id), await boards.list()]),
  fc.uniqueArray(board).map(ids => async ({ boards }: Store) => [
    await boards.titles(),
    await boards.some(ids),
  ]),
  fc.constantFrom('b1', 'B2', 'a', 'b', 'b1-').map(
    text =>
      ({ boards }: Store) =>
        boards.named(text),
  ),
  board.map(
    id =>
      ({ boards }: Store) =>
        boards.forget(id),
  ),
  fc.record({ id: board, name: text }).map(
    change =>
      ({ boards }: Store) =>
        boards.rename(change),
  ),
  fc
    .record({
      id: board,
      width: fc.nat(4),
      height: fc.nat(4),
      wiring: text,
      layoutJson: fc.option(text),
      colorOrder: text,
      powerCapMa: fc.option(fc.nat(9)),
      name: fc.option(text, { nil: undefined }),
    })
    .map(
      change =>
        ({ boards }: Store) =>
          boards.setProfile(change),
    ),
  board.map(
    id =>
      ({ boards }: Store) =>
        boards.nextGeneration(id),
  ),
  board.map(id => async ({ boards }: Store) => [
    await boards.quarantine({ id }),
    await boards.release({ id }),
  ]),
  fc
    .record({
      id: pattern,
      bytes: fc.constantFrom(...contents),
      name: text,
      fileName: text,
      raw: fc.boolean(),
      tags: fc.uniqueArray(text),
      format: text,
      readingJson: fc.constantFrom('{}', '{"leds":3}'),
      factsJson: fc.option(text),
      thumbnail: fc.option(fc.constantFrom(...contents)),
      door: fc.constant('cli' as const),
      who: fc.option(text),
      arrivedMs: nowMs,
    })
    .map(
      arriving =>
        ({ patterns }: Store) =>
          patterns.keep(arriving),
    ),
  fc
    .record({ versionsOf: fc.option(pattern, { nil: undefined }), tag: fc.option(text, { nil: undefined }) })
    .map(
      filter =>
        ({ patterns }: Store) =>
          patterns.list({ ...filter, limit: 3 }),
    ),
  fc.record({ format: text, before: pattern }).map(
    filter =>
      ({ patterns }: Store) =>
        patterns.list({ ...filter, limit: 2 }),
  ),
  pattern.map(id => async ({ patterns }: Store) => [
    await patterns.get(id),
    await patterns.list({ limit: 3 }),
    await patterns.list({ before: id, limit: 3 }),
  ]),
  newJob.map(
    made =>
      ({ jobs }: Store) =>
        jobs.insert(made),
  ),
  fc.array(newJob, { maxLength: 3 }).map(
    batch =>
      ({ jobs }: Store) =>
        jobs.insertBatch(batch),
  ),
  job.map(id => async ({ jobs }: Store) => [await jobs.get(id), await jobs.unfinished()]),
  fc
    .record({
      id: job,
      nowMs,
      from: fc.uniqueArray(state),
      to: fc.oneof(state, fc.constant('cancelled' as const)),
    })
    .map(
      move =>
        ({ jobs }: Store) =>
          jobs.setState(move),
    ),
  fc
    .record({ id: job, nowMs, durableBlocks: fc.nat(9), payloadBytes: fc.nat(9), statsJson: fc.option(text) })
    .map(
      note =>
        ({ jobs }: Store) =>
          jobs.checkpoint(note),
    ),
  fc
    .record({
      id: job,
      nowMs,
      manifestSha: sha,
      imageSha: sha,
      transferId: text,
      blocks: fc.nat(9),
      imageBytes: fc.nat(9),
    })
    .map(
      image =>
        ({ jobs }: Store) =>
          jobs.setImage(image),
    ),
  fc
    .record({
      id: job,
      nowMs,
      digestAlg: text,
      digestValue: text,
      payloadBytes: fc.nat(9),
      statsJson: fc.option(text),
    })
    .map(
      end =>
        ({ jobs }: Store) =>
          jobs.finish(end),
    ),
  fc.record({ id: job, nowMs, errorCode: text, errorMessage: text }).map(
    end =>
      ({ jobs }: Store) =>
        jobs.fail(end),
  ),
  fc.record({ id: job, nowMs, errorCode: text, errorMessage: text }).map(
    note =>
      ({ jobs }: Store) =>
        jobs.noteError(note),
  ),
  fc.record({ ...page, boardId: board, states: fc.uniqueArray(state) }).map(
    filter =>
      ({ jobs }: Store) =>
        jobs.list(filter),
  ),
  fc.record({ ...page, before: job, batchId: text }).map(
    filter =>
      ({ jobs }: Store) =>
        jobs.list(filter),
  ),
  fc.record({ boardId: board, patternId: pattern }).map(of => async ({ jobs }: Store) => [
    [...(await jobs.imagesOf(of))].sort(),
    await jobs.ofImage('a'),
    [...(await jobs.ofImages(['a', 'b', 'a']))].sort((one, other) =>
      one.transferId < other.transferId ? -1 : 1,
    ),
  ]),
  nowMs.map(
    beforeMs =>
      ({ jobs }: Store) =>
        jobs.removeFinished({ beforeMs }),
  ),
)

export const storeCommands = fc.array(command, { minLength: 30, maxLength: 60 })

/** Rejections count by their code: what people read of them is the database's own. */
const answerOf = (work: Promise<unknown>): Promise<unknown> =>
  work.catch((thrown: unknown) => {
    if (thrown instanceof AppError) return { refused: thrown.code }
    throw thrown
  })

/** Throws at the first answer that differs from the database's. */
export async function compareStores(real: Store, commands: readonly Command[]): Promise<void> {
  const memory = memoryStore(new MemoryTables())
  // Rows refer to blobs and boards, so there are some from the start.
  const begin: Command[] = [
    ({ blobs }) => blobs.put({ bytes: contents[0] ?? new Uint8Array(0), nowMs: 1 }),
    ({ blobs }) => blobs.put({ bytes: contents[1] ?? new Uint8Array(0), nowMs: 1 }),
  ]
  for (const [index, run] of [...begin, ...commands].entries()) {
    const [wanted, got] = [await answerOf(run(real)), await answerOf(run(memory))]
    if (isDeepStrictEqual(plain(wanted), plain(got))) continue
    const answers = JSON.stringify({ index, command: String(run), wanted, got }, undefined, 1)
    throw new Error(`the stores differ: ${answers}`)
  }
}

/** Undefined fields and the classes of rows do not count. */
const plain = (value: unknown): unknown => (value === undefined ? null : JSON.parse(JSON.stringify(value)))
