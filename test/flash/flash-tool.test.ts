import fc from 'fast-check'
import t from 'tap'
import { boardKinds } from '../../src/flash/board-kinds.ts'
import type { FlashProgress, FlashTool } from '../../src/flash/flash-tool.ts'
import { parseIntelHex } from '../../src/flash/intel-hex.ts'

const toolOf = (name: string): FlashTool => {
  const kind = boardKinds.find(kind => kind.name === name)
  if (kind === undefined) throw new Error(name)
  return kind.tool
}

/** As avrdude 7.1 writes it without a terminal. */
const avrdudeSaid = `avrdude: AVR device initialized and ready to accept instructions
avrdude: device signature = 0x1e950f (probably m328p)
avrdude: writing 28464 bytes flash ...

Writing | ################################################## | 100% 2.38s

avrdude: 28464 bytes of flash written
avrdude: verifying flash memory against uno.hex

Reading | ################################################## | 100% 3.61s

avrdude: 28464 bytes of flash verified
`
/** As esptool 4 writes it. */
const esptoolSaid = `esptool.py v4.7.0\nConnecting....\nChip is ESP8266EX\nUploading stub...\n${[
  1, 25, 50, 75, 100,
]
  .map(percent => `\rWriting at 0x000${percent}000... (${percent} %)`)
  .join('')}\nWrote 300000 bytes (200000 compressed)\nHash of data verified.\n`

/** What is read when the output comes in pieces that end at these places. */
function readIn(tool: FlashTool, said: string, cuts: readonly number[]): readonly FlashProgress[] {
  const read = tool.readProgress()
  const ends = [...cuts.map(cut => cut % said.length), said.length].sort((a, b) => a - b)
  return ends.flatMap((end, i) => read(said.slice(ends[i - 1] ?? 0, end)))
}

/** As esptool 5 writes it without a terminal. */
const esptool5Said = `esptool v5.0.0\nConnected to ESP32 on /dev/ttyUSB0:\nChip type:          ESP32-D0WD\n${[
  1.3, 25, 50.4, 100,
]
  .map(percent => `\rWriting at 0x000100ab [====>     ] ${percent.toFixed(1)}% 1234/9999 bytes... \n`)
  .join('')}Wrote 300000 bytes (200000 compressed)\nHash of data verified.\n`

const order = ['connecting', 'writing', 'verifying']

for (const [name, said] of [
  ['uno', avrdudeSaid],
  ['esp8266', esptoolSaid],
  ['esp32', esptool5Said],
] as const)
  t.test(`progress of ${name} goes forward and reaches its end, however the output is cut`, async t => {
    fc.assert(
      fc.property(fc.array(fc.nat()), cuts => {
        const read = readIn(toolOf(name), said, cuts)
        const places = read.map(({ phase, share }) => order.indexOf(phase) * 2 + share)
        return (
          places.every((place, i) => place >= (places[i - 1] ?? 0)) &&
          order.every(phase => read.some(of => of.phase === phase && of.share === 1))
        )
      }),
    )
    t.pass('for every way to cut it')
  })

t.test('a fault says what to do, by what the tool said', async t => {
  const said = {
    board_mute: 'avrdude: stk500_getsync() attempt 10 of 10: not in sync: resp=0x15',
    board_refused: 'avrdude error: expected signature for ATmega2560 is 1E 98 01\n         double check chip',
    verification_failed: 'avrdude error: verification error, first mismatch at byte 0x0000',
    link_failed: 'avrdude: something else',
  }
  for (const [code, words] of Object.entries(said))
    t.match(toolOf('uno').fault(words, 'Arduino Uno', '/dev/ttyACM0'), { code, message: /.+/ }, words)
  t.match(toolOf('uno').fault('avrdude: something else', '', '').message, /something else/)
  const esp = {
    board_mute: 'A fatal error occurred: Failed to connect to ESP8266: No serial data received.',
    board_refused: 'A fatal error occurred: This chip is ESP32 not ESP8266. Wrong --chip argument?',
    verification_failed: 'A fatal error occurred: MD5 of file does not match data in flash!',
    link_failed: 'odd',
  }
  for (const [code, words] of Object.entries(esp))
    t.match(toolOf('esp8266').fault(words, 'ESP8266', '/dev/ttyUSB0'), { code }, words)
})

/** Writes a HEX file as a linker does. */
function intelHex(segments: readonly { address: number; bytes: Uint8Array }[], perLine: number): string {
  const record = (type: number, address: number, data: Uint8Array) => {
    const bytes = [data.length, (address >> 8) & 255, address & 255, type, ...data]
    const sum = bytes.reduce((all, byte) => all + byte, 0)
    return `:${Buffer.from([...bytes, -sum & 255])
      .toString('hex')
      .toUpperCase()}\n`
  }
  const lines = segments.flatMap(({ address, bytes }) =>
    Array.from({ length: Math.ceil(bytes.length / perLine) }, (_, i) => {
      const at = address + i * perLine
      const high = Uint8Array.of(at >>> 24, (at >>> 16) & 255)
      return record(4, 0, high) + record(0, at & 0xffff, bytes.subarray(i * perLine, (i + 1) * perLine))
    }),
  )
  return `${lines.join('')}${record(1, 0, new Uint8Array())}`
}

t.test('a HEX file is read as it was written, and a damaged digit is noticed', async t => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 600 }),
      fc.uint8Array({ minLength: 1, maxLength: 600 }),
      fc.integer({ min: 1, max: 64 }),
      fc.nat(),
      (low, high, perLine, at) => {
        const segments = [
          { address: 0, bytes: low },
          { address: 0x3_e000, bytes: high },
        ]
        const text = intelHex(segments, perLine)
        const parsed = parseIntelHex(text)
        if (!parsed.ok) return false
        const read = parsed.value.map(({ address, bytes }) => ({ address, bytes: Buffer.from(bytes) }))
        const same = segments.every(
          ({ address, bytes }, i) => read[i]?.address === address && read[i].bytes.equals(bytes),
        )
        const place = at % text.length
        const digit = text[place] ?? ''
        if (!/[0-9A-F]/.test(digit)) return same
        const other = digit === '0' ? '1' : '0'
        return same && !parseIntelHex(text.slice(0, place) + other + text.slice(place + 1)).ok
      },
    ),
  )
  t.match(parseIntelHex(':00000001FF\n:00000001FF\n'), { ok: false, fault: /after the end/ })
  t.match(parseIntelHex(':0100000000FF\n'), { ok: false, fault: /no end/ })
  t.match(parseIntelHex(':0100000000FF\n:0100000000FF\n:00000001FF\n'), { ok: false, fault: /two records/ })
  t.match(parseIntelHex(':02000000FF\n'), { ok: false })
  t.match(parseIntelHex('hello\n'), { ok: false, fault: /no record/ })
})
