import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, truncate } from 'node:fs/promises'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import t from 'tap'
import { commands } from '../../src/cli/commands.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { openSerial } from '../../src/link/serial-link.ts'
import { encodeFrame, maxBodyBytes } from '../../src/protocol/frame.ts'
import { FrameDecoder } from '../../src/protocol/frame-decoder.ts'
import { messageTypes } from '../../src/protocol/messages.ts'
import { errorCodes } from '../../src/protocol/wire-errors.ts'
import { skipAsNobody } from '../support/nobody.ts'
import { eventually, ledmFile, numbers, startBoard, type Workplace, workplace } from '../support/pixelgate.ts'
import { openPtyPair } from '../support/pty.ts'
import { seededRandom } from '../support/synthetic-patterns.ts'

const oldFrames = numbers(0, 3)
const newFrames = numbers(10, 6)
const noise = (seed: number, sizeBytes: number): Uint8Array => {
  const random = seededRandom(seed)
  return Uint8Array.from({ length: sizeBytes }, () => Math.floor(random() * 256))
}
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** A board that plays an old pattern, and the id of that pattern. */
async function boardWithOld(
  t: Parameters<typeof startBoard>[0],
  place: Workplace,
  values: Parameters<typeof startBoard>[2] = {},
) {
  const board = await startBoard(t, place, values)
  const file = await place.file('old.bin', ledmFile(oldFrames))
  const { status, stdout, stderr } = await place.here('upload', file, '--port', board.path)
  if (status !== 0) throw new Error(`the old pattern: ${stdout}${stderr}`)
  return { board, old: await board.playing() }
}

/** A TCP peer that is no board, or an odd one. */
async function peer(
  t: { teardown(fn: () => unknown): void },
  answer: (socket: Socket, chunk: Buffer | undefined) => void,
): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('data', chunk => answer(socket, chunk))
    answer(socket, undefined)
  }).listen(0, '127.0.0.1')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  await once(server, 'listening')
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

t.test('each command explains itself with an example', async t => {
  const place = await workplace(t)
  for (const { name, examples, summary } of commands) {
    const { status, stdout, stderr } = await place.here(...name.split(' '), '--help')
    t.equal(status, 0, name)
    t.equal(stderr, '')
    t.ok(stdout.startsWith(summary))
    t.ok(examples.length > 0 && examples.every(example => stdout.includes(`  ${example}\n`)), name)
  }
  const overview = await place.run('--help')
  t.equal(overview.status, 0)
  for (const { name } of commands) t.match(overview.stdout, `  ${name} `)
  t.match((await place.here('pattern')).stdout, /pattern inspect/)
  t.equal((await place.here()).status, 2)
})

t.test('wrong usage ends with status 2 and says what to write', async t => {
  const place = await workplace(t)
  const wrong: [RegExp, ...string[]][] = [
    [/no command "uplode"/, 'uplode'],
    [/no command "board fly"/, 'board', 'fly'],
    [/FILE is missing/, 'upload'],
    [/one argument too many/, 'upload', 'a', 'b', '--port', 'x'],
    [/one of --port, --tcp, --board and --all/, 'upload', 'a.bin'],
    [/one of --port, --tcp, --board and --all/, 'upload', 'a.bin', '--port', 'x', '--all'],
    [/--baud .*with --port/, 'upload', 'a.bin', '--tcp', '7000', '--baud', '9600'],
    [/whole number from 300/, 'upload', 'a.bin', '--port', 'x', '--baud', 'fast'],
    [/HOST:PORT/, 'upload', 'a.bin', '--tcp', 'nowhere'],
    [/--colour|Unknown option/, 'upload', 'a.bin', '--port', 'x', '--colour', 'red'],
    [/--board takes one or more/, 'upload', 'a.bin', '--board', ','],
    [/HEX takes pairs/, 'decode', '123'],
    [/ports approve\|revoke/, 'ports', 'open', '/dev/ttyUSB0'],
    [/one line: --pty/, 'board', 'virtual', '--leds', '8'],
    [/--flash-size/, 'board', 'virtual', '--tcp', '0', '--leds', '8', '--flash-size', '5000'],
  ]
  for (const [words, ...args] of wrong) {
    const { status, stderr } = await place.here(...args)
    t.equal(status, 2, args.join(' '))
    t.match(stderr, words)
  }
  const { status, last } = await place.run('upload', 'a.bin', '--json')
  t.equal(status, 2)
  t.match(last, { event: 'failed', code: 'usage', message: /one of --port/ })
})

t.test(
  'a file that can be read in several ways ends with status 3 and lists them; one of them can be chosen',
  async t => {
    const place = await workplace(t)
    const board = await startBoard(t, place)
    const file = await place.file('raw.bin', noise(5, 64 * 3 * 6))
    const ambiguous = await place.run('upload', file, '--port', board.path, '--json')
    t.equal(ambiguous.status, 3)
    t.match(ambiguous.last, { event: 'failed', code: 'file_ambiguous', message: /--candidate/ })
    const { candidates } = ambiguous.last['detail']
    t.ok(candidates.length > 1)
    const spoken = await place.here('upload', file, '--port', board.path)
    t.equal(spoken.status, 3)
    t.match(spoken.stderr, /0: /)
    t.same(board.shown, [], 'nothing was sent')

    const inspected = await place.here('pattern', 'inspect', file, '--json')
    t.equal(inspected.status, 0)
    const at = inspected.last['candidates'].findIndex(({ leds }: { leds: number }) => leds === 64)
    t.ok(at >= 0)
    t.same(Object.keys(inspected.last['candidates'][at]), [
      'index',
      'format',
      'width',
      'height',
      'leds',
      'channels',
      'frames',
      'durationMs',
      'confidence',
      'reason',
    ])
    const chosen = await place.here(
      'upload',
      file,
      '--candidate',
      String(at),
      '--source-wiring',
      'row-straight-tl',
      '--port',
      board.path,
      '--json',
    )
    t.equal(chosen.status, 0, chosen.stdout)
    t.equal(chosen.last['event'], 'done')
    t.equal((await place.here('upload', file, '--candidate', '999', '--port', board.path)).status, 2)
  },
)

t.test('a file that is no pattern ends with status 4 before any port is opened', async t => {
  const place = await workplace(t)
  const whole = ledmFile(newFrames)
  const huge = await place.file('huge.bin', '')
  await truncate(huge, 257 * 1024 * 1024)
  const bad: [code: string, words: RegExp, file: string][] = [
    ['file_missing', /does not exist/, place.path('absent.bin')],
    ['file_invalid', /folder|regular file/, place.folder],
    ['file_invalid', /empty/, await place.file('empty.bin', '')],
    ['file_invalid', /byte \d+/, await place.file('cut.bin', whole.subarray(0, whole.length - 5))],
    ['file_invalid', /LED Matrix Studio/, await place.file('words.leds', 'hello\n')],
    ['file_invalid', /byte \d+|GIF/, await place.file('cut.gif', 'GIF89a\u0010')],
    ['file_too_large', /at most/, huge],
  ]
  for (const [code, words, file] of bad) {
    const { status, last } = await place.here('upload', file, '--port', '/dev/absent', '--json')
    t.equal(status, 4, file)
    t.match(last, { event: 'failed', code, message: words })
    t.equal((await place.here('pattern', 'inspect', file)).status, 4)
  }
  const { status, stderr } = await place.run('upload', place.path('absent.bin'), '--port', '/dev/absent')
  t.equal(status, 4)
  t.match(stderr, /absent\.bin does not exist/)
})

t.test('a pattern that does not fit ends with status 5; the old one plays on', async t => {
  const place = await workplace(t)
  const { board, old } = await boardWithOld(t, place, { 'flash-size': '49152', 'ram-limit': '2048' })
  const misfits: [RegExp, Uint8Array, ...string[]][] = [
    [/16×4, the board 8×8/, ledmFile(newFrames, 16, 4)],
    [/32×32, the board 8×8/, ledmFile(newFrames, 32, 32)],
    [/KB too much/, ledmFile(numbers(0, 120))],
    [/KB too much/, noise(1, 60_000), '--raw'],
  ]
  for (const [words, bytes, ...more] of misfits) {
    const file = await place.file('misfit.bin', bytes)
    const { status, last } = await place.here('upload', file, '--port', board.path, '--json', ...more)
    t.equal(status, 5, String(words))
    t.match(last, { event: 'failed', code: 'does_not_fit', message: words })
    t.equal(await board.playing(), old)
  }
  const file = await place.file('fits.bin', ledmFile(newFrames))
  t.equal((await place.run('upload', file, '--port', board.path)).status, 0, 'what fits is taken afterwards')
  t.not(await board.playing(), old)
})

t.test('a port that is not there, not allowed, in use or not answering ends with status 6', async t => {
  const place = await workplace(t)
  const file = await place.file('new.bin', ledmFile(newFrames))
  const absent = await place.run('upload', file, '--port', '/dev/ttyABSENT0', '--json')
  t.equal(absent.status, 6)
  t.match(absent.last, { event: 'failed', code: 'port_missing', message: /Plug|plug/ })

  const pair = await openPtyPair()
  t.teardown(pair.unplug)
  const held = await openSerial(pair.a, { baudRate: 115200, clock: systemClock, openTimeoutMs: 5000 })
  t.teardown(() => held.close())
  const busy = await place.here('upload', file, '--port', pair.a, '--json')
  t.equal(busy.status, 6)
  t.match(busy.last, { event: 'failed', code: 'port_busy', message: new RegExp(`\\(${process.pid}\\)`) })

  const closed = await place.here('upload', file, '--tcp', '127.0.0.1:9', '--json')
  t.equal(closed.status, 6)
  t.match(closed.last, { event: 'failed', code: 'link_failed' })

  const plain = await place.here('upload', file, '--port', file, '--json')
  t.equal(plain.status, 6)
  t.match(plain.last, { event: 'failed', code: 'link_failed', message: /not a serial port/ })
})

const closed = { skip: process.getuid?.() === 0 ? skipAsNobody() : false }

t.test(
  'a port that this user may not open ends with status 6 and says which group opens it',
  closed,
  async t => {
    const place = await workplace(t)
    const pair = await openPtyPair()
    t.teardown(pair.unplug)
    await chmod(pair.a, 0)
    const file = await place.file('new.bin', ledmFile(newFrames))
    const { status, last, stderr } = await place.runAsNobody('upload', file, '--port', pair.a, '--json')
    t.equal(status, 6, stderr)
    t.match(last, { event: 'failed', code: 'port_denied', message: /usermod -aG dialout/ })
  },
)

t.test('something that is no board, or one of another time, ends with status 7', async t => {
  const place = await workplace(t)
  const file = await place.file('new.bin', ledmFile(newFrames))
  const garbage = await peer(
    t,
    (socket, chunk) => void (chunk && socket.write('Sensor 7: 21.5 C\r\n'.repeat(20))),
  )
  const silent = await peer(t, () => undefined)
  const decoder = new FrameDecoder(maxBodyBytes)
  const later = await peer(t, (socket, chunk) =>
    decoder.push(chunk ?? new Uint8Array(0), ({ session, seq, type }) => {
      const version = Uint8Array.of(errorCodes.BAD_VERSION, type, 3, 0)
      socket.write(encodeFrame(messageTypes.ERR, session, seq, version))
    }),
  )
  const { path: mute } = await startBoard(t, place, { fault: ['mute@0'] })
  const [noisy, quiet, newer, dead] = await Promise.all([
    place.here('upload', file, '--tcp', garbage, '--json', '--state', place.path('1')),
    place.here('upload', file, '--tcp', silent, '--json', '--state', place.path('2')),
    place.run('upload', file, '--tcp', later, '--json', '--state', place.path('3')),
    place.here('upload', file, '--port', mute, '--json', '--state', place.path('4')),
  ])
  t.same(
    [noisy, quiet, newer, dead].map(({ status }) => status),
    [7, 7, 7, 7],
  )
  t.match(noisy.last, { event: 'failed', code: 'board_garbage', message: /another device/ })
  t.match(quiet.last, { event: 'failed', code: 'board_mute', message: /Check power/ })
  t.match(newer.last, { event: 'failed', code: 'board_version', message: /version 3.*Update/ })
  t.match(dead.last, { event: 'failed', code: 'board_mute', message: /Check power/ })
})

t.test('without a daemon its commands end with status 8 and say how to start it', async t => {
  const place = await workplace(t)
  const file = await place.file('new.bin', ledmFile(newFrames))
  for (const args of [
    ['boards'],
    ['jobs'],
    ['jobs', 'cancel', '1'],
    ['upload', file, '--all'],
    ['board', 'set', 'x', '--name', 'y'],
    ['ports', 'approve', '/dev/ttyUSB0'],
  ]) {
    const { status, last } = await place.here(...args, '--json')
    t.equal(status, 8, args.join(' '))
    t.match(last, { event: 'failed', code: 'daemon_unreachable', message: /pixelgate serve/ })
  }
  const { status, stderr } = await place.run('boards')
  t.equal(status, 8)
  t.match(stderr, /^pixelgate: .*pixelgate serve/)
  t.equal((await place.here('ports', '--json')).status, 0, 'ports are listed all the same')
})

t.test('a board that returns another hash ends with status 9; the old pattern plays on', async t => {
  const place = await workplace(t)
  const flash = place.path('board.flash')
  const { board: honest, old } = await boardWithOld(t, place, { flash })
  await honest.stop()
  const board = await startBoard(t, place, { flash, fault: ['lie-hash'] })
  const file = await place.file('new.bin', ledmFile(newFrames))
  const { status, last, events } = await place.run('upload', file, '--port', board.path, '--json')
  t.equal(status, 9)
  t.match(last, { event: 'failed', code: 'verification_failed', message: /old pattern keeps playing/ })
  t.notOk(events.some(({ event }) => event === 'done'))
  t.equal(await board.playing(), old)
  t.same([...new Set(board.shown)], [old], 'no other pattern was ever shown')
})

t.test('the last line of an upload is its report, with true figures', async t => {
  const place = await workplace(t)
  const { board, old } = await boardWithOld(t, place, { uuid: '11111111-2222-4333-8444-555555555555' })
  const bytes = noise(3, 20_000)
  const file = await place.file('opaque.raw', bytes)
  const { status, last, events } = await place.run(
    'upload',
    file,
    '--raw',
    '--port',
    board.path,
    '--baud',
    '1000000',
    '--json',
  )
  t.equal(status, 0)
  t.equal(last['event'], 'done')
  t.same(Object.keys(last), [
    'event',
    'sha256',
    'digest',
    'imageBytes',
    'payloadBytes',
    'wireBytesOut',
    'wireBytesIn',
    'durationMs',
    'lineShare',
    'retransmittedBytes',
    'resentBlocks',
    'resumed',
    'job',
    'board',
  ])
  t.match(last, {
    sha256: sha256(bytes),
    digest: { alg: 'sha256', value: sha256(bytes) },
    imageBytes: bytes.length,
    payloadBytes: bytes.length,
    retransmittedBytes: 0,
    resentBlocks: 0,
    resumed: false,
    board: '11111111-2222-4333-8444-555555555555',
  })
  t.ok(last['wireBytesOut'] > bytes.length && last['wireBytesOut'] < bytes.length * 1.1)
  t.ok(last['wireBytesIn'] > 0 && last['wireBytesIn'] < 5000)
  t.ok(last['durationMs'] > 0)
  const share = (bytes.length * 10) / (1_000_000 * (last['durationMs'] / 1000))
  t.ok(Math.abs(last['lineShare'] - share) < share / 1000, 'the share follows from payload, rate and time')
  t.ok(events.slice(0, -1).every(({ event }) => event === 'progress' || event === 'state'))

  const again = await place.here('upload', file, '--raw', '--port', board.path, '--json')
  t.equal(again.status, 0)
  t.match(again.last, { event: 'done', sha256: sha256(bytes), payloadBytes: 0 })
  t.ok(again.last['wireBytesOut'] < 1000, `${again.last['wireBytesOut']} bytes for a file that is there`)

  const pattern = await place.file('new.bin', ledmFile(newFrames))
  const shown = await place.here('upload', pattern, '--port', board.path, '--json')
  t.match(shown.last, { event: 'done', imageBytes: 6 * 64 * 3 })
  t.equal(shown.last['digest'].value, shown.last['sha256'])
  t.not(await board.playing(), old)
})

t.test(
  'with a highest rate the line is made faster for the upload, and the share counts the faster one',
  async t => {
    const place = await workplace(t)
    const board = await startBoard(t, place)
    const bytes = noise(8, 60_000)
    const file = await place.file('fast.raw', bytes)
    const args = [
      'upload',
      file,
      '--raw',
      '--port',
      board.path,
      '--baud',
      '115200',
      '--max-baud',
      '2000000',
      '--json',
    ]
    const { status, last, stdout } = await place.here(...args)
    t.equal(status, 0, stdout)
    const share = (bytes.length * 10) / (2_000_000 * (last['durationMs'] / 1000))
    t.ok(Math.abs(last['lineShare'] - share) < share / 1000, `${last['lineShare']} of 2 Mbaud`)
  },
)

t.test('over TCP no line paces, so there is no share of one', async t => {
  const place = await workplace(t)
  const board = await startBoard(t, place, { tcp: '0' })
  const bytes = noise(4, 50_000)
  const { status, last } = await place.here(
    'upload',
    await place.file('a.raw', bytes),
    '--raw',
    '--tcp',
    board.path,
    '--json',
    '--max-body',
    '512',
  )
  t.equal(status, 0)
  t.match(last, { event: 'done', sha256: sha256(bytes), lineShare: null, imageBytes: bytes.length })
  const spoken = await place.here(
    'upload',
    await place.file('a.bin', ledmFile(newFrames)),
    '--tcp',
    board.path,
  )
  t.match(spoken.stdout, /virtual board: verified and active\./)
})

t.test('an upload that was interrupted goes on where it stopped when the command is run again', async t => {
  const place = await workplace(t)
  const { board, old } = await boardWithOld(t, place, { 'max-body': '256', fault: ['slow-flash=10'] })
  // Long enough that a slow machine hears of the first blocks before the last are sent.
  const bytes = noise(6, 160_000)
  const file = await place.file('long.raw', bytes)
  const args = ['upload', file, '--raw', '--port', board.path, '--json']
  const first = place.start(...args)
  await first.says(
    ({ event, doneBytes }) => event === 'progress' && doneBytes > 8192,
    'the upload is under way',
  )
  await first.kill()
  t.equal(await board.playing(), old, 'the old pattern plays on')
  const { status, last } = await place.run(...args)
  t.equal(status, 0)
  t.match(last, { event: 'done', resumed: true, resentBlocks: 0, sha256: sha256(bytes) })
})

t.test(
  'a board whose power fails gets its upload all the same, and the report counts what was sent again',
  async t => {
    const place = await workplace(t)
    const board = await startBoard(t, place, { 'max-body': '256', fault: ['power-cut@20', 'power-cut@45'] })
    const bytes = noise(9, 20_000)
    const file = await place.file('a.raw', bytes)
    const args = ['upload', file, '--raw', '--port', board.path, '--baud', '1000000', '--json']
    const { status, last, events } = await place.here(...args)
    t.equal(status, 0)
    t.equal(events.filter(({ state }) => state === 'waiting').length, 2, 'both cuts came')
    t.match(last, {
      event: 'done',
      resumed: true,
      resentBlocks: 0,
      sha256: sha256(bytes),
      payloadBytes: bytes.length,
    })
    t.ok(last['retransmittedBytes'] > 0)
    t.ok(last['wireBytesOut'] > bytes.length + last['retransmittedBytes'])
    const share = (bytes.length * 10) / (1_000_000 * (last['durationMs'] / 1000))
    t.ok(Math.abs(last['lineShare'] - share) < share / 1000, 'what was sent again is no payload')
  },
)

t.test('decode explains bytes, in words and as JSON', async t => {
  const place = await workplace(t)
  const frame = Buffer.from(encodeFrame(messageTypes.STATUS, 9, 0x0102, new Uint8Array(0))).toString('hex')
  const { status, stdout } = await place.run('decode', frame)
  t.equal(status, 0)
  t.match(stdout, /STATUS/)
  t.match(await place.here('decode', '00', '00'), { status: 0, stdout: /^no frame: only the zero bytes/ })
  const { last } = await place.here('decode', '--json', frame)
  t.equal(last['frames'].length, 1)
  t.match(JSON.stringify(last['frames']), /STATUS/)
})

t.test('a virtual board says when it can be reached, and goes with SIGTERM', async t => {
  const place = await workplace(t)
  const link = place.path('pty')
  const board = place.start(
    'board',
    'virtual',
    '--pty',
    link,
    '--leds',
    '16x16',
    '--uuid',
    'aaaaaaaa-2222-4333-8444-555555555555',
  )
  t.teardown(() => board.kill())
  const ready = await board.says(({ ready }) => ready === true, 'ready')
  t.same(ready, { ready: true, kind: 'pty', path: link, uuid: 'aaaaaaaa-2222-4333-8444-555555555555' })
  t.ok(existsSync(link))
  const { status } = await board.kill('SIGTERM')
  t.equal(status, 0)
  await eventually(() => !existsSync(link), 'the end of the link')
})
