import { PassThrough } from 'node:stream'
import t from 'tap'
import type { Command } from '../../src/cli/command.ts'
import { commands } from '../../src/cli/commands.ts'
import { explanationLines } from '../../src/cli/explanation-lines.ts'
import { commandHelp, overview } from '../../src/cli/help.ts'
import { flag, hostAndPort, text, whole } from '../../src/cli/option-values.ts'
import { formatBytes, ProgressBar } from '../../src/cli/progress-bar.ts'
import { ago, textTable } from '../../src/cli/text-table.ts'
import { UploadEvents } from '../../src/cli/upload-events.ts'
import { explainFrame } from '../../src/protocol/explain.ts'
import { encodeFrame } from '../../src/protocol/frame.ts'
import { encodeBoardMessage, encodeCaps, encodeHostMessage } from '../../src/protocol/message-codec.ts'
import { messageTypes } from '../../src/protocol/messages.ts'
import type { DoneReport } from '../../src/upload/report.ts'
import { someCaps } from '../board/scripted-board.ts'

const esc = String.fromCharCode(27)

/** A stream that keeps what was written. */
function sink(isTTY: boolean) {
  const stream = Object.assign(new PassThrough(), { isTTY })
  const read = () => String(stream.read() ?? '')
  return { stream, read }
}

t.test('the help lists every command, its options and what its exit status means', async t => {
  const all = overview(commands)
  for (const { name, summary } of commands) t.ok(all.includes(name) && all.includes(summary), name)
  t.match(all, /Exit status:[\s\S]*10 some of several boards failed/)
  for (const command of commands) {
    const help = commandHelp(command)
    t.ok(help.includes(`Usage: pixelgate ${command.name}`))
    for (const option of Object.keys(command.options))
      t.ok(help.includes(`--${option}`), `${command.name} --${option}`)
    for (const example of command.examples) t.ok(help.includes(example))
    t.ok(command.examples.length > 0, `${command.name} has an example`)
  }
  const small: Command = {
    name: 'x',
    summary: 'Does x.',
    operands: '',
    operandCount: [0, 0],
    options: {
      all: { type: 'boolean', short: 'a', help: 'everything' },
      file: { type: 'string', value: 'FILE', help: 'where' },
    },
    examples: ['pixelgate x -a'],
    run: async () => 0,
  }
  t.match(commandHelp(small), 'Usage: pixelgate x [OPTIONS]\n')
  t.match(
    commandHelp(small),
    '  -a, --all        everything\n      --file FILE  where\n  -h, --help       this text',
  )
})

t.test('option values are checked before anything is done', async t => {
  const options = {
    name: 'a',
    all: true,
    none: false,
    many: ['a'],
    n: '12',
    bad: '1x',
    big: '99',
    negative: '-1',
  }
  t.equal(text(options, 'name'), 'a')
  t.equal(text(options, 'many'), undefined)
  t.equal(text(options, 'absent'), undefined)
  t.ok(flag(options, 'all'))
  t.notOk(flag(options, 'none') || flag(options, 'name'))
  t.equal(whole(options, 'n', 12, 12), 12)
  t.equal(whole(options, 'absent', 1, 2), undefined)
  for (const name of ['bad', 'big', 'negative', 'name'])
    t.throws(() => whole(options, name, 0, 50), { code: 'usage', message: /from 0 to 50/ })
  t.same(hostAndPort('board.local:4711', 'tcp'), { host: 'board.local', port: 4711 })
  t.same(hostAndPort('[::1]:80', 'tcp'), { host: '::1', port: 80 })
  t.same(hostAndPort('8080', 'tcp'), { host: '127.0.0.1', port: 8080 })
  for (const bad of ['', 'host', 'host:', 'host:0', 'host:65536', '::1:80', 'a:b:1', ':80', 'h:123456'])
    t.throws(() => hostAndPort(bad, 'tcp'), { code: 'usage', message: /--tcp takes HOST:PORT/ }, bad)
})

t.test('tables line up, and ages are told in the unit that people use', async t => {
  t.equal(
    textTable(['ID', 'NAME'], [['1', 'shelf'], ['1000', 'x'], ['2']]),
    'ID    NAME\n1     shelf\n1000  x\n2\n',
  )
  t.equal(textTable(['A'], []), 'A\n')
  const now = Date.parse('2026-01-01T00:00:00Z')
  const at = (seconds: number) => ago(new Date(now - seconds * 1000).toISOString(), now)
  t.same([-5, 0, 119, 120, 7199, 7200, 172_799, 172_800].map(at), [
    '0 s ago',
    '0 s ago',
    '119 s ago',
    '2 min ago',
    '120 min ago',
    '2 h ago',
    '48 h ago',
    '2 days ago',
  ])
  t.match(ago(new Date().toISOString()), /^\d s ago$/)
})

t.test('a bar is drawn on a terminal, one line a board, and nowhere else', async t => {
  const line = { label: 'shelf', phase: 'transferring', doneBytes: 512, totalBytes: 1024, lineShare: 0.987 }
  const terminal = sink(true)
  const bar = new ProgressBar(terminal.stream)
  bar.update(line)
  const first = terminal.read()
  t.match(first, '████████████░░░░░░░░░░░░')
  t.match(first, /50 % {2}512 B of 1\.0 KB .*98\.7 % of the line {2}transferring\n$/)
  bar.update({ ...line, label: 'attic', lineShare: null, doneBytes: 0, totalBytes: 0 })
  t.equal(terminal.read(), '', 'not more often than the eye can follow')
  bar.finish()
  const last = terminal.read()
  t.ok(last.startsWith(`${esc}[1A${esc}[2K`), 'in the place of the first')
  t.match(last, /attic[^\n]* 0 % {2}0 B of 0 B/)
  const pipe = sink(false)
  const silent = new ProgressBar(pipe.stream)
  silent.update(line)
  silent.finish()
  t.equal(pipe.read(), '')
  t.same([0, 1023, 1024, 1024 * 1024 - 1, 3 * 1024 * 1024].map(formatBytes), [
    '0 B',
    '1023 B',
    '1.0 KB',
    '1024.0 KB',
    '3.00 MB',
  ])
})

t.test('explained frames are readable: name, fields, and what is wrong', async t => {
  const lines = (bytes: Uint8Array) => explainFrame(bytes).flatMap(explanationLines).join('\n')
  const copy = encodeHostMessage({ type: 'COPY', runs: [{ slot: 1, oldBlock: 2, newBlock: 3, count: 4 }] })
  const explained = lines(encodeFrame(messageTypes.COPY, 7, 9, copy))
  t.match(explained, /^COPY \(0x15\), session 7, seq 9, body of 7 bytes \(bytes 0 … \d+\)/)
  t.match(explained, 'runs: slot 1, oldBlock 2, newBlock 3, count 4')
  t.match(
    lines(encodeFrame(messageTypes.SETID, 7, 9, new Uint8Array(16).fill(0xab))),
    `uuid: ${'ab'.repeat(16)}`,
  )
  const long = lines(encodeFrame(messageTypes.LINKTEST, 7, 9, new Uint8Array(40).fill(1)))
  t.match(long, `${'01'.repeat(32)}… (40 bytes)`)
  t.match(lines(encodeFrame(messageTypes.LINKTEST, 7, 9, new Uint8Array(0))), '(empty)')
  t.match(
    lines(
      encodeFrame(
        messageTypes.HAVEQ,
        7,
        9,
        encodeHostMessage({ type: 'HAVEQ', start: true, firstSeq: 1, bodyBytes: 64, from: 0 }),
      ),
    ),
    'start: yes',
  )
  const refusal = encodeBoardMessage({ type: 'ERR', code: 7, requestType: messageTypes.BEGIN, detail: 128 })
  t.match(lines(encodeFrame(messageTypes.ERR, 7, 9, refusal)), /128 KiB/)
  const caps = encodeBoardMessage({ type: 'CAPS', page: 0, pages: 1, bytes: encodeCaps(someCaps) })
  t.match(
    lines(encodeFrame(messageTypes.CAPS, 7, 9, caps)),
    /capabilities:[\s\S]*leds: 256[\s\S]*boardName: shelf/,
  )
  t.match(lines(Uint8Array.of(5, 1, 2, 0)), /^no frame \(bytes 0 … \d+\)\n {2}wrong: /)
  const plain = { offset: 3, sizeBytes: 9, encoding: 'plain', readings: [], problems: [] } as const
  t.same(explanationLines(plain), ['no frame (bytes 3 … 11, without COBS)'])
})

const report: DoneReport = {
  event: 'done',
  sha256: 'aa',
  digest: { alg: 'sha256', value: 'aa' },
  imageBytes: 4096,
  payloadBytes: 1000,
  wireBytesOut: 1100,
  wireBytesIn: 50,
  durationMs: 1234,
  lineShare: 0.985,
  retransmittedBytes: 0,
  resentBlocks: 0,
  resumed: true,
  job: 'j',
  board: 'b',
}
const progress = { board: 'b', phase: 'transferring', doneBytes: 1, totalBytes: 2, lineShare: null }

t.test('scripts get one JSON object a line, and not too many', async t => {
  const out = sink(false)
  const events = new UploadEvents({ stdout: out.stream, stderr: sink(false).stream } as never, true)
  events.progress(progress)
  events.progress(progress)
  events.progress({ ...progress, board: 'c' })
  events.state('b', 'waiting', null)
  events.state('b', 'waiting', 'The cable was pulled.')
  events.done(report, 'shelf')
  events.failed({ board: 'c', code: 'board_mute', message: 'Nobody answers.' }, 'attic')
  events.summary(1, 1)
  const lines = out
    .read()
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  t.same(
    lines.map(({ event }) => event),
    ['progress', 'progress', 'state', 'state', 'done', 'failed', 'summary'],
  )
  t.same(lines[2], { event: 'state', board: 'b', state: 'waiting' })
  t.equal(lines[3].message, 'The cable was pulled.')
  t.same(lines[4], report)
  t.match(lines[6], { done: 1, failed: 1 })
})

t.test('people get sentences', async t => {
  const out = sink(false)
  const events = new UploadEvents({ stdout: out.stream, stderr: sink(true).stream } as never, false)
  events.progress(progress)
  events.state('b', 'transferring', null)
  events.state('b', 'waiting', 'The cable was pulled.')
  events.state('b', 'waiting', null)
  t.equal(out.read(), 'b: waiting for the board (The cable was pulled.)\nb: waiting for the board\n')
  events.done(report, 'shelf')
  t.equal(
    out.read(),
    'shelf: verified and active. 4.0 KB of pixels as 1000 B in 1.23 s, 98.5 % of the line, resumed\n  sha256 aa\n',
  )
  events.done({ ...report, lineShare: null, resumed: false }, 'shelf')
  t.match(out.read(), /in 1\.23 s\n/)
  events.failed({ board: 'c', code: 'board_mute', message: 'Nobody answers.' }, 'attic')
  events.summary(1, 1)
  t.equal(out.read(), 'attic: failed: Nobody answers.\n1 of 2 boards done\n')
})
