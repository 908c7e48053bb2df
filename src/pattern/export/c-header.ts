import { fail, ok } from '../../kernel/result.ts'
import type { Exporter } from './exporter.ts'
import { stripFrames } from './strip-frames.ts'

/** More than the flash of any board that is programmed this way. */
const maxBytes = 16 * 1024 * 1024
const valuesPerLine = 16

/** Words of C and C++, and names that headers of boards take. */
const taken = new Set(
  `alignas alignof and asm auto bool boolean bitand bitor break byte case catch char class compl const constexpr continue
  decltype default delete do double else enum errno explicit export extern false float for friend goto if inline int interrupt long
  main mutable namespace new noexcept not nullptr operator or private protected public register requires restrict return
  setup short signed sizeof static struct switch template this thread_local throw true try typedef typeid typename union unix linux
  unsigned using virtual void volatile wchar_t while word xor loop stdin stdout stderr`.split(/\s+/),
)

/**
 * A C99 and C++ header: sizes as macros, times and pixels as constants that lie in flash (`PROGMEM`) on AVR and ESP8266. Heeds `map`
 * and `colorOrder`, since a sketch sends the bytes as they are.
 */
export const cHeaderExporter: Exporter = {
  format: 'c-header',
  extensions: ['.h'],
  summary: 'C header with sizes, times and pixels, for sketches',
  write: (pattern, options) => {
    const read = stripFrames(pattern, options)
    if (!read.ok) return read
    const { leds, order, bytesPerLed, frame } = read.value
    const { width, height, frames, loopCount } = pattern
    const total = leds * bytesPerLed * frames.length
    if (total > maxBytes) {
      const message = `the pixels have ${total} bytes; a C header holds ${maxBytes}, more than boards have flash`
      return fail({ kind: 'does_not_fit', message })
    }
    const name = identifier(options.name ?? pattern.name)
    const macro = name.toUpperCase()
    const longDelays = frames.some(({ delayMs }) => delayMs > 0xffff)
    const delays = frames.map(({ delayMs }) => `${delayMs}${longDelays ? 'UL' : 'U'}`)
    const canvas =
      options.map === undefined && height > 1
        ? 'rows from the top, pixels from the left'
        : 'in the order of the strip'
    const lines = [
      `/* ${frames.length} frames of ${leds} LEDs, ${bytesPerLed} bytes each (${order}), ${canvas}. */`,
      `#ifndef ${macro}_H`,
      `#define ${macro}_H`,
      '',
      '#include <stdint.h>',
      '',
      '#if defined(__AVR__)',
      '#include <avr/pgmspace.h>',
      '#elif defined(ESP8266) || defined(ESP32)',
      '#include <pgmspace.h>',
      '#endif',
      '#ifndef PROGMEM',
      '#define PROGMEM',
      '#endif',
      '',
      `#define ${macro}_WIDTH ${width}UL`,
      `#define ${macro}_HEIGHT ${height}UL`,
      `#define ${macro}_LEDS ${leds}UL`,
      `#define ${macro}_FRAMES ${frames.length}UL`,
      `#define ${macro}_BYTES_PER_LED ${bytesPerLed}UL`,
      `#define ${macro}_FRAME_BYTES ${leds * bytesPerLed}UL`,
      `#define ${macro}_COLOR_ORDER "${order}"`,
      `/* How often it plays; 0: for ever. */`,
      `#define ${macro}_LOOPS ${loopCount}UL`,
      '',
      `static const ${longDelays ? 'uint32_t' : 'uint16_t'} ${name}_delays_ms[${macro}_FRAMES] PROGMEM = {`,
      ...rows(delays),
      '};',
      '',
      `static const uint8_t ${name}[${macro}_FRAMES * ${macro}_FRAME_BYTES] PROGMEM = {`,
      ...frames.flatMap((_, index) => [
        `  /* frame ${index} */`,
        ...rows(Array.from(frame(index), byte => hexBytes[byte] ?? '0x00')),
      ]),
      '};',
      '',
      '#endif',
      '',
    ]
    return ok({ bytes: new TextEncoder().encode(lines.join('\n')), notes: [] })
  },
}

const hexBytes = Array.from({ length: 256 }, (_, byte) => `0x${byte.toString(16).padStart(2, '0')}`)

function rows(values: readonly string[]): readonly string[] {
  const lines: string[] = []
  for (let at = 0; at < values.length; at += valuesPerLine)
    lines.push(`  ${values.slice(at, at + valuesPerLine).join(', ')},`)
  return lines
}

/** A name that C takes: letters, digits and single underscores, beginning with a letter, and no word of the language. */
function identifier(name: string): string {
  const plain = name
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .slice(0, 48)
  if (/^[A-Za-z]/.test(plain) && !taken.has(plain) && !/^(u?int|pgm_|prog|esp|avr)/i.test(plain)) return plain
  return plain === '' ? 'pattern' : `pattern_${plain}`
}
