import { createHash } from 'node:crypto'
import { systemClock } from '../../src/kernel/clock.ts'
import { withDeadline } from '../../src/kernel/deadline.ts'
import { encodeFrame, maxBodyBytes } from '../../src/protocol/frame.ts'
import { FrameDecoder } from '../../src/protocol/frame-decoder.ts'
import { decodeBoardMessage, encodeHostMessage } from '../../src/protocol/message-codec.ts'
import { type HostMessage, messageTypes } from '../../src/protocol/messages.ts'
import type { Store } from '../../src/store/store.ts'
import { doneReport } from '../../src/upload/report.ts'
import { parseStats } from '../../src/upload/run-stats.ts'
import type { JobRecord, PatternRecord } from '../../src/upload/uploads.ts'
import { type BoardConfig, defaultBoardConfig } from '../../src/virtual/board-config.ts'
import { type BoardFaults, noFaults } from '../../src/virtual/board-faults.ts'
import { Flash } from '../../src/virtual/flash.ts'
import { VirtualBoard } from '../../src/virtual/virtual-board.ts'
import { type ShownFrame, WasmBoard } from '../../src/virtual/wasm-board.ts'
import { type Cut, type CutLine, openCutLine } from '../support/cut-line.ts'
import { type CutFile, side } from './cut-files.ts'
import { Uploader } from './uploader.ts'

/** A cut costs a reconnection and no timeout of the protocol; a machine under load may need long all the same. */
const deadlineMs = 30_000

/** A small board, so that 4 KiB are several blocks, several windows and many frames. */
export const cutBoard: BoardConfig = {
  ...defaultBoardConfig,
  uuid: new Uint8Array(16).fill(0x70),
  leds: side * side,
  width: side,
  height: side,
  storageBytes: 96 * 1024,
  maxBody: 256,
  window: 1024,
  rxBuffer: 2048,
  decodeBytes: 4096,
  blockBytes: 512,
}

/** How the upload goes on: in the same process that finds the port again, or in a new one on the same database. */
export type Resume = 'reopen' | 'restart'

export interface CutRun {
  readonly file: CutFile
  /** What the board holds and plays before. */
  readonly old: OldState | undefined
  readonly cut: Cut | undefined
  readonly resume: Resume
  /** Faults of the board, to see that the watch sees them. */
  readonly faults?: Partial<BoardFaults> | undefined
}

/** A flash with one active pattern. */
export interface OldState {
  readonly flash: Uint8Array
  readonly id: string
  readonly frames: readonly Uint8Array[]
}

export interface CutOutcome {
  /** False: the upload was over before so many bytes had passed. */
  readonly wasCut: boolean
  readonly violations: readonly string[]
  readonly id: string
  readonly flash: Uint8Array
  readonly resentBytes: number
  readonly bytesOut: number
  readonly bytesIn: number
}

/** One upload with one cut, watched from the board's side. `store` and `pattern` may serve many runs, one after the other. */
export async function runCut(store: Store, pattern: PatternRecord, run: CutRun): Promise<CutOutcome> {
  const watch = new Watch(run)
  const lines = await Promise.all([
    openCutLine(watch.options(run.cut)),
    openCutLine(watch.options(undefined)),
  ])
  const make = () =>
    new Uploader({ store, pattern, how: run.file.how, maxBody: cutBoard.maxBody, line: () => watch.line })
  let uploader = make()
  try {
    watch.begin(lines)
    const within = <T>(work: Promise<T>, what: string) =>
      withDeadline(
        systemClock,
        deadlineMs,
        work,
        'link_failed',
        `${what} took longer than ${deadlineMs / 1000} s`,
      )
    await uploader.start(true)
    await within(Promise.race([uploader.ended, watch.cut]), 'the upload before the cut')
    watch.line.hold()
    let { ended } = uploader
    if (watch.line.isCut) {
      watch.replug()
      if (run.resume === 'restart') {
        const first = uploader
        await within(first.stop(), 'the end of the first uploader')
        const left = await store.jobs.unfinished()
        uploader = make()
        await uploader.start(!first.hasBegun)
        // The cut may come under the last reply, when the job is done all the same.
        if (left.length > 0 || !first.hasBegun) ended = uploader.ended
      } else uploader.wake()
    }
    const job = await within(ended, 'the resumed upload')
    await watch.judge(store, job, uploader, within)
  } catch (thrown) {
    watch.violate(thrown instanceof Error ? thrown.message : String(thrown))
  } finally {
    for (const job of await store.jobs.unfinished()) {
      await uploader.core.queue.command(job.id, 'cancel').catch(() => undefined)
    }
    await uploader.stop()
    await Promise.all(lines.map(line => line.close()))
    watch.end()
  }
  return watch.outcome(lines)
}

/** The board, its line and everything that must hold. */
class Watch {
  readonly cut: Promise<'cut'>
  #line: CutLine | undefined
  #spare: CutLine | undefined
  readonly #run: CutRun
  readonly #flash: Flash
  readonly #board: VirtualBoard
  readonly #violations: string[] = []
  readonly #commands = new FrameDecoder(maxBodyBytes)
  readonly #seen = new Set<number>()
  #tellCut: (cut: 'cut') => void = () => undefined
  #tellSeen: () => void = () => undefined
  #lastOld: number | undefined
  #activated = false
  #confirmed = false
  #newId = ''
  #resentBytes = 0

  constructor(run: CutRun) {
    this.#run = run
    this.cut = new Promise(resolve => {
      this.#tellCut = resolve
    })
    this.#flash = flashWith(run.old?.flash)
    this.#board = new VirtualBoard({
      config: cutBoard,
      flash: this.#flash,
      faults: { ...noFaults, ...run.faults },
      clock: systemClock,
      onSend: bytes => this.line.write(bytes),
      onFrame: shown => this.#onFrame(shown),
    })
  }

  get line(): CutLine {
    if (this.#line === undefined) throw new Error('the line is not open yet')
    return this.#line
  }

  options(cut: Cut | undefined) {
    return { cut, onBytes: (bytes: Uint8Array) => this.#receive(bytes), onCut: () => this.#onCut() }
  }

  begin([first, spare]: readonly CutLine[]): void {
    this.#line = first
    this.#spare = spare
    this.#board.start()
  }

  replug(): void {
    this.#line = this.#spare
  }

  end(): void {
    this.#board.stop()
  }

  violate(what: string): void {
    if (!this.#violations.includes(what)) this.#violations.push(what)
  }

  /** After the end of the job: its report, the board's own word, its flash, and what it shows. */
  async judge(
    store: Store,
    job: JobRecord,
    uploader: Uploader,
    within: <T>(work: Promise<T>, what: string) => Promise<T>,
  ): Promise<void> {
    const { file, old } = this.#run
    if (job.state !== 'done')
      return this.violate(`the job is ${job.state}: ${job.errorCode} ${job.errorMessage}`)
    this.#newId = job.transferId ?? ''
    const report = await doneReport(store, job)
    const image = await store.blobs.get(job.imageSha ?? '')
    const sha256 = createHash('sha256').update(image).digest('hex')
    const holds = (what: string, condition: boolean) => condition || this.violate(what)
    holds('the report states another SHA-256', report.sha256 === sha256 && report.digest.value === sha256)
    holds('the stored image is not the file', file.how.raw === false || sha256 === file.sha256)
    holds(
      'the flash does not hold the image',
      Buffer.from(this.#flash.contents()).includes(Buffer.from(image)),
    )
    holds(`${report.resentBlocks} durable blocks were sent again`, report.resentBlocks === 0)
    const copied = parseStats(job.statsJson).copiedBytes
    this.#resentBytes = job.payloadBytes - (image.length - copied)
    holds(
      `${this.#resentBytes} bytes were sent again, more than a window`,
      this.#resentBytes <= cutBoard.window,
    )
    holds('the board was restarted', this.#board.boots === 1)
    holds('the board programmed flash that it had not erased', this.#flash.unerasedBits === 0)

    if (this.#board.lostBytes > 0) this.violate(`the board lost ${this.#board.lostBytes} bytes`)
    const status = await within(uploader.ask({ type: 'STATUS' }), 'STATUS')
    holds(
      'STATUS names another pattern',
      status.type === 'STATUS' && hex(status.id) === this.#newId && status.mode === (file.how.raw ? 0 : 1),
    )
    const listed =
      status.type === 'STATUS'
        ? await within(uploader.ask({ type: 'LIST', slot: status.slot }), 'LIST')
        : status
    holds(
      'LIST names another active pattern',
      listed.type === 'LIST' && listed.state === 2 && listed.active && hex(listed.id) === this.#newId,
    )
    holds('a power cut would bring another pattern', this.#afterPowerCut() === this.#newId)
    if (old !== undefined && !this.#run.file.how.raw)
      await within(this.#allSeen(), 'the first showing of every frame')
  }

  outcome(lines: readonly CutLine[]): CutOutcome {
    const { cut } = this.#run
    const [first] = lines
    const wasCut = this.#line !== first
    const passed = cut?.direction === 'out' ? first?.bytesOut : first?.bytesIn
    if (wasCut && passed !== cut?.afterBytes) this.violate(`${passed} bytes passed before the cut`)
    return {
      wasCut,
      violations: this.#violations,
      id: this.#newId,
      flash: this.#flash.contents(),
      resentBytes: this.#resentBytes,
      bytesOut: first?.bytesOut ?? 0,
      bytesIn: first?.bytesIn ?? 0,
    }
  }

  /** Commands are noted on their way in, so that what the board may do from now on is known. */
  #receive(bytes: Uint8Array): void {
    this.#commands.push(bytes, ({ type, body }) => {
      if (type === messageTypes.ACTIVATE) {
        this.#activated = true
        this.#newId ||= hex(body.subarray(1, 17))
      }
      if (type === messageTypes.CONFIRM) this.#confirmed = true
    })
    this.#board.receive(bytes)
  }

  #onCut(): void {
    if (this.#run.old !== undefined) {
      const id = this.#afterPowerCut()
      const allowed = this.#confirmed ? [this.#newId] : [this.#run.old.id]
      if (!allowed.includes(id))
        this.violate(`after a power cut at this moment the board would have ${id || 'nothing'} active`)
    }
    this.#tellCut('cut')
  }

  #onFrame({ id, frame, pixels }: ShownFrame): void {
    const { old, file } = this.#run
    if (old === undefined) return
    const shownId = hex(id)
    if (shownId === old.id) {
      if (this.#activated && this.#newId !== old.id && this.#confirmed)
        this.violate('the old pattern came back after CONFIRM')
      if (!same(pixels, old.frames[frame])) this.violate(`frame ${frame} of the old pattern was shown wrong`)
      const follows = this.#lastOld === undefined || frame === (this.#lastOld + 1) % old.frames.length
      if (!follows) this.violate(`the old pattern jumped from frame ${this.#lastOld} to ${frame}`)
      this.#lastOld = frame
      return
    }
    if (!this.#activated) return this.violate(`the pattern ${shownId} was shown before its activation`)
    if (file.how.raw) {
      // Opaque bytes are stored, not shown: the LEDs go black.
      if (pixels.some(value => value !== 0)) this.violate('opaque bytes were shown')
      return
    }
    if (shownId !== this.#newId) return this.violate(`the pattern ${shownId} was shown, neither old nor new`)
    if (!same(pixels, file.frames[frame])) this.violate(`frame ${frame} of the new pattern was shown wrong`)
    this.#seen.add(frame)
    if (this.#seen.size === file.frames.length) this.#tellSeen()
  }

  #allSeen(): Promise<void> {
    return new Promise(resolve => {
      this.#tellSeen = resolve
      if (this.#seen.size === this.#run.file.frames.length) resolve()
    })
  }

  /** Id of what is active on a board that is started with this flash; '' for nothing. */
  #afterPowerCut(): string {
    let id = ''
    const decoder = new FrameDecoder(maxBodyBytes)
    const twin = new WasmBoard({
      config: cutBoard,
      storage: flashWith(this.#flash.contents()),
      now: () => 0,
      onSend: bytes =>
        decoder.push(bytes, ({ type, body }) => {
          const message = decodeBoardMessage(type, body)
          if (
            message.ok &&
            message.value.type === 'LIST' &&
            message.value.active &&
            message.value.state === 2
          )
            id = hex(message.value.id)
        }),
    })
    twin.reset()
    const say = (message: HostMessage, seq: number) => {
      twin.sink(encodeFrame(messageTypes[message.type], 1, seq, encodeHostMessage(message)))
      twin.poll()
    }
    say({ type: 'HELLO', minVersion: 1, maxVersion: 1, hostMaxBody: 256, page: 0 }, 0)
    for (let slot = 0; slot < cutBoard.slots; slot++) say({ type: 'LIST', slot }, slot + 1)
    twin.powerOff()
    return id
  }
}

function flashWith(contents: Uint8Array | undefined): Flash {
  const flash = new Flash({ sizeBytes: cutBoard.storageBytes, eraseUnit: cutBoard.eraseUnit })
  if (contents !== undefined) flash.write(0, contents)
  return flash
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const same = (a: Uint8Array, b: Uint8Array | undefined): boolean =>
  b !== undefined && Buffer.from(a).equals(b)
