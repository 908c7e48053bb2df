import { parseArgs } from 'node:util'
import t from 'tap'
import { parseVirtualBoard, virtualBoardOptions } from '../../src/cli/board-virtual.ts'
import { formatUuid } from '../../src/kernel/ids.ts'

const parse = (...args: string[]) =>
  parseVirtualBoard(parseArgs({ args, options: virtualBoardOptions }).values)

t.test('a pty, a serial device and a TCP port are described by their options', async t => {
  t.same(parse('--pty', '/tmp/a', '--leds', '60').line, { kind: 'pty', link: '/tmp/a' })
  t.same(parse('--serial', '/dev/ttyS1', '--leds', '60').line, {
    kind: 'serial',
    device: '/dev/ttyS1',
    baudRate: 115200,
  })
  const { line } = parse('--serial', '/dev/ttyS1', '--baud', '500000', '--leds', '60')
  t.match(line, { baudRate: 500000 })
  t.same(parse('--tcp', '0', '--leds', '60').line, { kind: 'tcp', host: '127.0.0.1', port: 0 })
  t.match(parse('--tcp', '7000', '--host', '::', '--leds', '60').line, { host: '::', port: 7000 })
})

t.test('geometry, storage and limits reach the configuration', async t => {
  t.match(parse('--pty', 'a', '--leds', '16x8').config, { leds: 128, width: 16, height: 8 })
  const { config, faults, flashFile, framesOut } = parse(
    ...['--pty', 'a', '--leds', '300', '--uuid', '00112233-4455-6677-8899-aabbccddeeff', '--name', 'Küche'],
    ...['--flash', 'f', '--flash-size', '65536', '--slots', '1', '--max-body', '128', '--window', '1000'],
    ...['--frames-out', 'o', '--fault', 'mute@9', '--fault', 'lie-hash'],
  )
  t.match(config, {
    leds: 300,
    width: 0,
    height: 0,
    boardName: 'Küche',
    storageBytes: 65536,
    slots: 1,
    maxBody: 128,
    window: 1000,
    decodeBytes: 16384,
  })
  t.equal(formatUuid(config.uuid), '00112233-4455-6677-8899-aabbccddeeff')
  t.match(faults, { muteAfterBytes: 9, lieHash: true })
  t.equal(flashFile, 'f')
  t.equal(framesOut, 'o')
})

t.test(
  'a memory limit bounds decoding, buffer, window and frames, which still hold what the protocol needs',
  async t => {
    const limited = (bytes: string) => parse('--pty', 'a', '--leds', '60', '--ram-limit', bytes).config
    t.match(limited('2048'), { decodeBytes: 2048, window: 2048, rxBuffer: 2048, maxBody: 1024 })
    t.match(limited('100'), { decodeBytes: 100, window: 256, rxBuffer: 256, maxBody: 128 })
    t.match(limited('1000000'), { decodeBytes: 16384, window: 16384, rxBuffer: 16384, maxBody: 4096 })
  },
)

t.test('without a UUID a board has a new one, with a flash file always the same', async t => {
  const uuid = (...args: string[]) => formatUuid(parse('--pty', 'a', '--leds', '60', ...args).config.uuid)
  t.not(uuid(), uuid())
  t.equal(uuid('--flash', 'f'), uuid('--flash', './f'))
  t.match(uuid('--flash', 'f'), /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-/)
  t.not(uuid('--flash', 'f'), uuid('--flash', 'g'))
})

t.test('what cannot be is a usage error that says what is wanted', async t => {
  const pty = ['--pty', 'a', '--leds', '60']
  const wrong: [string[], RegExp][] = [
    [['--leds', '60'], /one line/],
    [[...pty, '--tcp', '1'], /one line/],
    [[...pty, '--baud', '9600'], /--serial/],
    [[...pty, '--host', 'h'], /--tcp/],
    [['--tcp', '65536', '--leds', '60'], /0 to 65535/],
    [['--serial', 'd', '--baud', 'fast', '--leds', '60'], /--baud fast/],
    [['--pty', '', '--leds', '60'], /--pty wants a value/],
    [['--pty', 'a'], /--leds/],
    [['--pty', 'a', '--leds', '0'], /--leds/],
    [['--pty', 'a', '--leds', '16x'], /--leds/],
    [['--pty', 'a', '--leds', '300x300'], /65535/],
    [[...pty, '--uuid', 'x'], /UUID/],
    [[...pty, '--name', 'x'.repeat(33)], /32 bytes/],
    [[...pty, '--flash-size', '5000'], /multiple of 4096/],
    [[...pty, '--slots', '0'], /--slots/],
    [[...pty, '--max-body', '5000'], /--max-body/],
    [[...pty, '--window', '1e3'], /--window/],
    [[...pty, '--ram-limit', '0'], /--ram-limit/],
    [[...pty, '--fault', 'fire'], /--fault fire/],
  ]
  for (const [args, message] of wrong) {
    t.throws(() => parse(...args), { code: 'usage', message }, args.join(' '))
  }
})
