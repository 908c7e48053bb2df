import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { boardKinds } from '../../src/flash/board-kinds.ts'
import { firmwareImage } from '../../src/flash/firmware-image.ts'
import { parseIntelHex } from '../../src/flash/intel-hex.ts'
import { without } from '../firmware/packages.ts'
import { type Event, eventually, Running, type Workplace, workplace } from '../support/pixelgate.ts'
import { openPtyPair } from '../support/pty.ts'
import { startBootBoard } from './boot-board.ts'

const prebuilt = (name: string): string =>
  fileURLToPath(new URL(`../../firmware-protocol/boards/prebuilt/${name}`, import.meta.url))
const tools = ['gcc-avr', 'avr-libc', 'arduino-core-avr', 'libsimavr-dev', 'libelf-dev', 'avrdude']

/** Compares what is in the chip with an Intel HEX file, byte for byte; returns how many bytes were the same. */
function same(flash: Buffer, hexFile: string): number {
  const parsed = parseIntelHex(readFileSync(hexFile, 'latin1'))
  if (!parsed.ok) throw new Error(parsed.fault)
  for (const { address, bytes } of parsed.value)
    if (!flash.subarray(address, address + bytes.length).equals(bytes))
      throw new Error(`differs from ${address} on`)
  return parsed.value.reduce((sum, { bytes }) => sum + bytes.length, 0)
}

/** Processes of that name whose command line has the word. */
const running = (name: string, word: string): readonly string[] =>
  readdirSync('/proc').filter(pid => {
    try {
      return (
        /^\d+$/.test(pid) &&
        readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === name &&
        readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(word)
      )
    } catch {
      return false
    }
  })

// Most of the time goes by at the speed of a serial line.
t.jobs = 4

for (const chip of ['uno', 'mega'] as const)
  t.test(
    `avrdude writes the ${chip}'s image through its own bootloader, and the new firmware answers`,
    { skip: without(...tools) },
    async t => {
      const place = await workplace(t)
      const board = await startBootBoard(t, place, chip)
      const run = await place.here('board', 'flash', '--port', board.port, '--kind', chip, '--json')
      t.match(run.last, {
        event: 'done',
        port: board.port,
        kind: chip,
        board: { firmwareName: 'pixelgate-avr', leds: 60 },
      })
      t.equal(run.status, 0, run.stderr)
      t.equal(same(await board.flash(), prebuilt(`${chip}.hex`)), run.last['sizeBytes'])
      const progress = run.events.filter(({ event }) => event === 'progress')
      const phases = [...new Set(progress.map(({ phase }) => phase))]
      t.same(phases, ['connecting', 'writing', 'verifying'])
      for (const phase of ['writing', 'verifying']) {
        const bytes = progress.filter(of => of['phase'] === phase).map(({ doneBytes }) => doneBytes as number)
        t.same(
          bytes,
          [...bytes].sort((a, b) => a - b),
          `${phase} only goes forward`,
        )
        t.equal(bytes.at(-1), run.last['sizeBytes'], `${phase} reaches the end`)
      }
    },
  )

async function startDaemon(
  t: Parameters<typeof workplace>[0],
  place: Workplace,
  port: string,
): Promise<Running> {
  const links = [{ kind: 'serial', path: port, baudRate: 115_200 }]
  await place.file('config.json', JSON.stringify({ links, log: { level: 'warn' } }))
  const daemon = place.start('serve', '--config', place.path('config.json'))
  t.teardown(() => daemon.kill())
  await daemon.says(({ ready }) => ready === true, 'ready')
  return daemon
}

t.test(
  'the daemon lends the port of a board that it drives, and greets the board again afterwards',
  { skip: without(...tools) },
  async t => {
    const place = await workplace(t)
    const board = await startBootBoard(t, place, 'uno', { program: prebuilt('uno.hex') })
    await startDaemon(t, place, board.port)
    const up = async () =>
      (await place.here('boards', '--json')).last['boards']?.find(
        ({ state }: Event) => state === 'connected',
      ) as Event | undefined
    const before = await eventually(up, 'the board')
    const written = (await board.stats()).rxBytes
    const run = await place.here('board', 'flash', '--port', board.port, '--kind', 'uno')
    t.equal(run.status, 0, run.stderr)
    t.match(run.stdout, /lets go of .*\n.*pixelgate-avr .* answers.*60 LEDs.*\n.*upload FILE --board/)
    t.ok((await board.stats()).rxBytes - written > same(await board.flash(), prebuilt('uno.hex')))
    const after = await eventually(up, 'the board, again')
    t.equal(after['id'], before['id'], 'its identity is in the EEPROM, which flashing leaves alone')
  },
)

t.test(
  'firmware that does not speak, and a board that does not: the error says what to try',
  { skip: without(...tools) },
  async t => {
    const place = await workplace(t)
    const pair = await openPtyPair()
    t.teardown(() => pair.unplug())
    const board = await startBootBoard(t, place, 'uno')
    // RJMP to itself.
    const image = await place.file('idle.hex', ':02000000FFCF30\n:00000001FF\n')
    const flash = (port: string, ...more: readonly string[]) =>
      place.here('board', 'flash', '--port', port, '--json', ...more)
    // No card is in this one.
    const bare = await startBootBoard(t, place, 'mega')
    const [silent, cardless, mute, absent] = await Promise.all([
      flash(board.port, '--kind', 'uno', '--image', image),
      flash(bare.port, '--kind', 'mega-sd'),
      flash(pair.a, '--kind', 'uno'),
      flash('/dev/ttyUSB99', '--kind', 'mega'),
    ])
    t.match(silent, {
      status: 7,
      last: { code: 'board_mute', message: /verified, but does not answer: Nothing/ },
    })
    t.equal((await board.flash()).readUInt16LE(0), 0xcfff)
    t.match(mute, { status: 7, last: { code: 'board_mute', message: /No bootloader .*--kind/ } })
    t.same(running('avrdude', pair.a), [])
    t.match(absent, { status: 6, last: { code: 'port_missing', message: /ttyUSB99 does not exist/ } })
    t.match(cardless, {
      status: 7,
      last: { code: 'board_mute', message: /verified, but does not answer: .* wants an SD card .*7F/ },
    })
    t.ok(same(await bare.flash(), prebuilt('mega-sd.hex')) > 40_000)
    const wrong = await flash(board.port, '--kind', 'mega')
    t.match(wrong, { status: 7, last: { message: /No bootloader of the Arduino Mega 2560 answers/ } })
  },
)

t.test(
  'a command that is interrupted or killed leaves no avrdude behind',
  { skip: without('avrdude') },
  async t => {
    const place = await workplace(t)
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      const pair = await openPtyPair()
      t.teardown(() => pair.unplug())
      const run = place.start('board', 'flash', '--port', pair.a, '--kind', 'mega', '--json')
      t.teardown(() => run.kill())
      await eventually(() => running('avrdude', pair.a).length === 1, 'avrdude')
      const { status, last } = await run.kill(signal)
      if (signal === 'SIGTERM') t.match({ status, last }, { status: 8, last: { code: 'cancelled' } })
      await eventually(() => running('avrdude', pair.a).length === 0, 'the end of avrdude')
    }
    t.pass('both times')
  },
)

t.test('without the tool the error names its package', async t => {
  const place = await workplace(t)
  const pair = await openPtyPair()
  t.teardown(() => pair.unplug())
  const bin = place.path('bin')
  await mkdir(bin)
  for (const name of ['setpriv', 'stty']) await symlink(`/usr/bin/${name}`, `${bin}/${name}`)
  const flash = (...args: readonly string[]) =>
    new Running(['board', 'flash', '--port', pair.a, ...args], { ...place.env, PATH: bin }).ended
  const image = await place.file('own.bin', new Uint8Array(100))
  const avr = await flash('--kind', 'uno', '--json')
  t.match(avr, { status: 2, last: { code: 'tool_missing', message: /sudo apt-get install avrdude/ } })
  const esp = await flash('--kind', 'esp32', '--image', image)
  t.match(esp, { status: 2, stderr: /pipx install esptool/ })
})

t.test('what is asked wrongly is refused before anything is touched', async t => {
  const place = await workplace(t)
  const refused = async (words: RegExp, ...args: readonly string[]) =>
    t.match(await place.here('board', 'flash', ...args), { status: 2, stderr: words }, args.join(' '))
  await refused(/--port DEV/, '--kind', 'uno')
  await refused(/one of uno, .*mega/, '--port', '/dev/null', '--kind', 'due')
  await refused(/one of uno/, '--port', '/dev/null')
  await refused(/--image FILE/, '--port', '/dev/null', '--kind', 'esp8266')
  await refused(/is a \.hex file/, '--port', '/dev/null', '--kind', 'uno', '--image', 'firmware.elf')
})

t.test('an image that is damaged never reaches a board', async t => {
  const place = await workplace(t)
  const uno = boardKinds.find(({ name }) => name === 'uno')
  if (uno === undefined) throw new Error('no uno')
  const folder = `${place.folder}/`
  await copyFile(prebuilt('SHA256SUMS'), place.path('SHA256SUMS'))
  const text = await readFile(prebuilt('uno.hex'), 'latin1')
  await writeFile(place.path('uno.hex'), text)
  t.match(await firmwareImage(uno, undefined, folder), { sizeBytes: /^2\d{4}$/ })
  await writeFile(place.path('uno.hex'), text.replace('3', '4'))
  await t.rejects(firmwareImage(uno, undefined, folder), {
    code: 'file_invalid',
    message: /Install the package again/,
  })
  await t.rejects(firmwareImage(uno, place.path('uno.hex')), {
    code: 'file_invalid',
    message: /wrong checksum/,
  })
  await t.rejects(firmwareImage(uno, place.path('none.hex')), { code: 'file_missing' })
})

t.test(
  'the images that come with the program are what the source beside them builds',
  { skip: without('gcc-avr', 'avr-libc') },
  async t => {
    const out = (await workplace(t)).path('images')
    const { stdout } = await promisify(execFile)('make', ['-s', '-C', prebuilt(''), 'check', `OUT=${out}`])
    if (stdout.startsWith('skipped')) t.pass('not compared', { skip: stdout })
    else t.match(stdout, /are what this source builds/)
  },
)

t.test('every image that comes with the program is whole and fits its chip', async t => {
  const room = { m328p: 32_256, m2560: 253_952 }
  for (const kind of boardKinds.filter(({ image }) => image !== undefined)) {
    const { sizeBytes } = await firmwareImage(kind, undefined)
    const [, part] = kind.tool.argv({ port: '', imageFile: '' })
    t.ok(sizeBytes <= room[part as keyof typeof room], `${kind.name}: ${sizeBytes} bytes`)
  }
})
