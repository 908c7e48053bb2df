import t from 'tap'
import { formatUuid, parseUuid } from '../../src/kernel/ids.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import type { BuiltImage } from '../../src/protocol/image.ts'
import { type BoardConfig, defaultBoardConfig } from '../../src/virtual/board-config.ts'
import { type BoardFaults, noFaults } from '../../src/virtual/board-faults.ts'
import { compileBoardModule } from '../../src/virtual/board-module.ts'
import { Flash } from '../../src/virtual/flash.ts'
import { DARK_MS, VirtualBoard } from '../../src/virtual/virtual-board.ts'
import { createWasmBoard } from '../../src/virtual/wasm-board.ts'
import { BoardClient } from './board-client.ts'
import { pixelsOf, testPattern } from './test-pattern.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

const LEDS = 8
const UUID = '00112233-4455-4677-8899-aabbccddeeff'

const small: BoardConfig = {
  ...defaultBoardConfig,
  leds: LEDS,
  width: 4,
  height: 2,
  storageBytes: 64 * 1024,
  uuid: parseUuid(UUID) ?? new Uint8Array(16),
  boardName: 'Küche',
}

interface Shown {
  readonly t: number
  readonly frame: number
  readonly delayMs: number
  readonly id: string
  readonly pixels: string
}

/** A board in virtual time, with a host beside it. */
class Bench {
  readonly clock = new VirtualClock()
  readonly config: BoardConfig
  readonly flash: Flash
  readonly board: VirtualBoard
  client: BoardClient
  readonly shown: Shown[] = []
  readonly bauds: number[] = []

  constructor(faults: Partial<BoardFaults> = {}, config: Partial<BoardConfig> = {}) {
    this.config = { ...small, ...config }
    this.flash = new Flash({ sizeBytes: this.config.storageBytes, eraseUnit: this.config.eraseUnit, seed: 2 })
    this.board = new VirtualBoard({
      config: this.config,
      flash: this.flash,
      faults: { ...noFaults, ...faults },
      clock: this.clock,
      onSend: bytes => this.client.receive(bytes),
      onFrame: ({ frame, delayMs, id, pixels }) => {
        this.shown.push({ t: this.clock.now(), frame, delayMs, id: hex(id), pixels: hex(pixels) })
      },
      onBaud: baud => this.bauds.push(baud),
    })
    this.client = new BoardClient(bytes => this.board.receive(bytes), this.until)
    this.board.start()
  }

  readonly until = async (condition: () => boolean, what: string, limitMs = 60_000): Promise<void> => {
    const end = this.clock.now() + limitMs
    while (!condition()) {
      if (this.clock.now() >= end) throw new Error(`no ${what} within ${limitMs} ms`)
      this.clock.advance(1)
    }
  }
}

const pattern = (frames: number, leds = LEDS, channels = 3): BuiltImage => testPattern(frames, leds, channels)

t.test('a board answers HELLO with what it was built like', async t => {
  const { client } = new Bench()
  t.match(await client.caps(), {
    version: 1,
    leds: LEDS,
    width: 4,
    height: 2,
    slots: 3,
    slotsFree: 3,
    maxBody: 4096,
    window: 16384,
    rxBuffer: 16384,
    lineRateBaud: 4_000_000,
    maxBaud: 4_000_000,
    decodeBytes: 16384,
    blockBytes: 65535,
    codecs: 0b1111,
    digests: 0b11,
    bootId: 1,
    boardName: 'Küche',
    firmwareName: 'pixelgate virtual',
  })
  const caps = await client.caps()
  t.equal(formatUuid(caps.uuid), UUID)
})

t.test('a pattern sent to it is played frame by frame in its time, after brightness', async t => {
  const { client, shown, clock } = new Bench()
  const built = pattern(5)
  await client.caps()
  await client.upload(built)
  shown.length = 0
  clock.advance(400)
  t.ok(shown.length >= 9)
  for (const [i, each] of shown.entries()) {
    const before = shown[i - 1]
    t.match(each, { delayMs: 40, id: hex(built.id), pixels: hex(pixelsOf(each.frame, LEDS, 3)) })
    if (before !== undefined) {
      t.equal(each.t - before.t, 40)
      t.equal(each.frame, (before.frame + 1) % 5)
    }
  }
  await client.request({ type: 'BRIGHTNESS', level: 127 }, 'BRIGHTNESS')
  shown.length = 0
  clock.advance(40)
  const [dimmed] = shown
  t.equal(dimmed?.pixels, hex(pixelsOf(dimmed?.frame ?? 0, LEDS, 3).map(value => (value * 128) >> 8)))
})

t.test('the picture has all LEDs in the channels of what is played', async t => {
  const { client, shown, clock } = new Bench()
  await client.caps()
  await client.upload(pattern(2, 3, 4))
  shown.length = 0
  clock.advance(200)
  for (const { frame, pixels } of shown) {
    t.equal(pixels, hex(pixelsOf(frame, 3, 4)) + '00'.repeat((LEDS - 3) * 4))
  }
  await client.request({ type: 'FILL', holdMs: 100, value: Uint8Array.of(1, 2, 3) }, 'FILL')
  t.equal(shown.at(-1)?.pixels, '010203'.repeat(LEDS))
  const bytes = Uint8Array.of(9, 8)
  await client.request({ type: 'FRAME', holdMs: 100, offset: 0, show: true, bytes }, 'FRAME')
  t.equal(shown.at(-1)?.pixels, `0908${'03'}${'010203'.repeat(LEDS - 1)}`)
  clock.advance(200)
  t.equal(shown.at(-1)?.pixels.length, LEDS * 4 * 2)
})

t.test('REBOOT brings the board back after a dark time, with its pattern and a new boot id', async t => {
  const bench = new Bench()
  const { client, shown, clock } = bench
  const built = pattern(3)
  const { bootId } = await client.caps()
  await client.upload(built)
  await client.request({ type: 'REBOOT' }, 'REBOOT')
  shown.length = 0
  client.send({ type: 'STATUS' })
  clock.advance(DARK_MS - 10)
  t.equal(shown.length, 0, 'dark')
  t.same(client.heard, [], 'and deaf')
  t.ok(bench.board.lostBytes > 0)
  clock.advance(50)
  t.match(shown[0], { frame: 0, id: hex(built.id) })
  t.equal((await client.caps()).bootId, bootId + 1)
  t.equal(bench.board.boots, 2)
})

t.test('the rate that SETBAUD asks for reaches the line', async t => {
  const { client, bauds } = new Bench()
  await client.caps()
  await client.request({ type: 'SETBAUD', baud: 1_000_000 }, 'SETBAUD')
  t.equal(bauds[0], 1_000_000)
})

t.test('with a slow flash the answer to SETBAUD leaves before the rate changes', async t => {
  const heard: string[] = []
  const clock = new VirtualClock()
  const flash = new Flash({ sizeBytes: small.storageBytes, eraseUnit: small.eraseUnit })
  const board: VirtualBoard = new VirtualBoard({
    config: small,
    flash,
    faults: { ...noFaults, slowFlashMs: 20 },
    clock,
    onSend: bytes => {
      heard.push('answer')
      client.receive(bytes)
    },
    onBaud: baud => heard.push(`${baud}`),
  })
  const client = new BoardClient(
    bytes => board.receive(bytes),
    async condition => {
      for (let ms = 0; ms < 5000 && !condition(); ms++) clock.advance(1)
    },
  )
  board.start()
  await client.caps()
  heard.length = 0
  await client.request({ type: 'SETBAUD', baud: 1_000_000 }, 'SETBAUD')
  t.same(heard.slice(0, 2), ['answer', '1000000'])
})

t.test('a restart brings the rate of the start back, and so does silence', async t => {
  for (const end of ['reboot', 'reset', 'silence'] as const) {
    const { client, bauds, clock, board } = new Bench()
    await client.caps()
    await client.request({ type: 'SETBAUD', baud: 1_000_000 }, 'SETBAUD')
    clock.advance(20)
    if (end === 'reboot') client.send({ type: 'REBOOT' })
    else await client.request({ type: 'PROBE' }, 'ECHO')
    if (end === 'reset') {
      board.stop()
      board.start()
    }
    clock.advance(4900)
    t.same(bauds, end === 'silence' ? [1_000_000] : [1_000_000, 0], end)
    clock.advance(100)
    t.same(bauds, [1_000_000, 0], end)
  }
})

t.test('the time of a long request is no silence', async t => {
  const { client, bauds, clock } = new Bench({ slowFlashMs: 1000 }, { eraseUnit: 256 })
  const { manifest, image, blocks, id } = pattern(60)
  await client.caps()
  await client.request({ type: 'SETBAUD', baud: 1_000_000 }, 'SETBAUD')
  clock.advance(20)
  await client.request({ type: 'PROBE' }, 'ECHO')
  const startedMs = clock.now()
  await client.request(
    {
      type: 'BEGIN',
      id,
      manifestBytes: manifest.length,
      manifestCrc: 1,
      imageBytes: image.length,
      blocks: blocks.length,
      slot: 255,
      fresh: true,
    },
    'BEGIN',
  )
  t.ok(clock.now() - startedMs > 7000, `${clock.now() - startedMs} ms`)
  t.same(bauds, [1_000_000])
})

t.test(
  'a power cut at any operation of an upload is survived, and the upload goes on where the board stood',
  async t => {
    const built = pattern(60)
    const clean = new Bench()
    await clean.client.caps()
    await clean.client.upload(built)
    const operations = clean.flash.operations
    t.ok(operations > 20, `${operations} operations`)
    t.equal(clean.flash.unerasedBits, 0, 'nothing is written over what was not erased')
    for (let cut = 1; cut <= operations; cut++) {
      const bench = new Bench({ powerCutAt: [cut] })
      let attempts = 0
      for (let done = false; !done; attempts++) {
        try {
          const short = (condition: () => boolean, what: string) => bench.until(condition, what, 500)
          bench.client = new BoardClient(bytes => bench.board.receive(bytes), short, 100 + attempts)
          await bench.client.caps()
          await bench.client.upload(built)
          done = true
        } catch (thrown) {
          if (attempts > 3) throw thrown
          bench.clock.advance(DARK_MS)
        }
      }
      bench.shown.length = 0
      bench.clock.advance(200)
      const good = bench.shown.every(each => each.pixels === hex(pixelsOf(each.frame, LEDS, 3)))
      if (bench.board.boots !== 2 || bench.shown.length < 4 || !good)
        t.fail(`after a cut at operation ${cut}`)
    }
  },
)

t.test('a mute board hears and says nothing after its last byte', async t => {
  const { client, board, clock } = new Bench({ muteAfterBytes: 30 })
  await client.caps()
  await client.request({ type: 'STATUS' }, 'STATUS')
  for (let i = 0; i < 3; i++) client.send({ type: 'STATUS' })
  clock.advance(10_000)
  t.same(client.heard, [])
  t.equal(board.lostBytes, 25)
  t.equal(board.boots, 1)
})

t.test('a mute board whose power comes back is no longer mute', async t => {
  const { client, board, clock, flash } = new Bench({ muteAfterBytes: 26 })
  await client.caps()
  flash.cutAt(flash.operations + 1)
  client.send({ type: 'BRIGHTNESS', level: 3 })
  clock.advance(DARK_MS + 1)
  t.same(client.heard, [])
  t.equal(board.boots, 2)
  t.equal((await client.caps()).bootId, 2)
})

t.test('a lying board says it verified and states another digest', async t => {
  const built = pattern(4)
  const digest = async (lieHash: boolean) => {
    const { client } = new Bench({ lieHash })
    await client.caps()
    await client.transfer(built)
    return hex((await client.verify()).digest)
  }
  t.equal(await digest(false), hex(built.sha256))
  const lie = await digest(true)
  t.equal(lie.length, 64)
  t.not(lie, hex(built.sha256))
})

t.test(
  'a slow flash delays what depends on it, and bytes beyond the receive buffer are lost meanwhile',
  async t => {
    const bench = new Bench({ slowFlashMs: 50 }, { rxBuffer: 1000 })
    const { client, clock, board, flash } = bench
    await client.caps()
    const begin = clock.now()
    const operations = flash.operations
    await client.request({ type: 'BRIGHTNESS', level: 9 }, 'BRIGHTNESS')
    t.equal(clock.now() - begin, (flash.operations - operations) * 50)
    client.send({ type: 'BRIGHTNESS', level: 10 })
    t.equal(board.lostBytes, 0)
    for (let i = 0; i < 130; i++) client.send({ type: 'STATUS' })
    t.equal(board.lostBytes, 300)
    t.same(client.heard, [], 'no answer before the flash is ready')
    clock.advance(2000)
    t.ok(client.heard.length > 70)
  },
)

t.test('an upload to a board with a slow flash takes its time and succeeds', async t => {
  const { client, clock, flash } = new Bench({ slowFlashMs: 20 })
  await client.caps()
  const [begin, before] = [clock.now(), flash.operations]
  await client.upload(pattern(10))
  t.ok(clock.now() - begin >= (flash.operations - before) * 20, `${clock.now() - begin} ms`)
})

t.test('a stopped board is silent for good', async t => {
  const { client, board, clock, shown } = new Bench()
  await client.caps()
  await client.upload(pattern(2))
  board.stop()
  shown.length = 0
  client.send({ type: 'STATUS' })
  clock.advance(1000)
  t.same([client.heard, shown], [[], []])
})

t.test('a configuration that cannot be is refused in words, as is a missing library', async t => {
  t.throws(() => new Bench({}, { storageBytes: 8192, slots: 3 }), {
    code: 'config_invalid',
    message: /too small/,
  })
  t.throws(() => new Bench({}, { leds: 0 }), { code: 'config_invalid', message: /BAD_ARGUMENT/ })
  t.throws(() => compileBoardModule('/nowhere/board.wasm'), { code: 'file_missing' })
})

t.test('a bare board runs without a shell: power off, reset and a power cut as it boots', async t => {
  const flash = new Flash({ sizeBytes: small.storageBytes, eraseUnit: small.eraseUnit })
  const sent: Uint8Array[] = []
  const cuts: number[] = []
  const options = { config: small, storage: flash, now: () => 2 ** 32 + 5 }
  const board = createWasmBoard({
    ...options,
    onSend: bytes => sent.push(bytes),
    onPowerCut: cut => cuts.push(cut.operation),
  })
  t.ok(board.alive)
  t.ok(Number.isFinite(board.poll()))
  board.powerOff()
  t.equal(board.poll(), Number.POSITIVE_INFINITY)
  board.sink(Uint8Array.of(0))
  flash.cutAt(flash.operations + 1)
  board.reset()
  t.notOk(board.alive)
  t.equal(cuts.length, 1)
  board.reset()
  t.ok(board.alive)
  const broken = { ...flash, read: () => -12, write: () => -12, erase: () => -12 }
  t.throws(() => createWasmBoard({ ...options, storage: broken, onSend: () => undefined }), /STORAGE/)
  const faulty = {
    read: () => {
      throw new TypeError('a bug')
    },
    write: () => 0,
    erase: () => 0,
  }
  t.throws(() => createWasmBoard({ ...options, storage: faulty, onSend: () => undefined }), TypeError)
})
