import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { encodeColors } from '../../../src/pattern/color-order.ts'
import { cHeaderExporter } from '../../../src/pattern/export/c-header.ts'
import type { ExportOptions } from '../../../src/pattern/export/exporter.ts'
import type { Pattern } from '../../../src/pattern/pattern.ts'
import { toStripOrder, wiringMap } from '../../../src/pattern/wiring.ts'
import { fault, openBest, ownSample, seeded, value } from '../pattern-files.ts'
import { bytesOf, patternOf, written } from './written-files.ts'

const compilers = ['gcc', 'g++'].filter(name => spawnSync(name, ['--version']).status === 0)
const missing = compilers.length > 0 ? false : 'neither gcc nor g++ is installed'
const flags = ['-Wall', '-Wextra', '-Wconversion', '-pedantic', '-Werror']

/** Compiles a program that includes the header twice and prints all it holds. */
function readBack(t: import('tap').Test, header: Uint8Array, name: string, compiler: string): string {
  const dir = t.testdir()
  const macro = name.toUpperCase()
  writeFileSync(join(dir, 'pattern.h'), header)
  const isC = compiler === 'gcc'
  writeFileSync(
    join(dir, 'main.c'),
    `#include "pattern.h"
#include "pattern.h"
#include <stdio.h>
int main(void) {
  unsigned long at;
  printf("%lu %lu %lu %lu %lu %s %lu\\n", ${macro}_WIDTH, ${macro}_HEIGHT, ${macro}_LEDS, ${macro}_FRAMES,
         ${macro}_BYTES_PER_LED, ${macro}_COLOR_ORDER, ${macro}_LOOPS);
  for (at = 0; at < ${macro}_FRAMES; at++) printf("%lu ", (unsigned long)${name}_delays_ms[at]);
  printf("\\n");
  for (at = 0; at < sizeof ${name}; at++) printf("%02x", ${name}[at]);
  return 0;
}
`,
  )
  writeFileSync(
    join(dir, 'other.c'),
    '#include "pattern.h"\nint other(void);\nint other(void) { return 0; }\n',
  )
  const language = isC ? ['-std=c99', '-x', 'c'] : ['-std=c++11', '-x', 'c++']
  const built = spawnSync(compiler, [...language, ...flags, 'main.c', 'other.c', '-o', 'main'], {
    cwd: dir,
    encoding: 'utf8',
  })
  t.equal(built.stderr, '', compiler)
  return spawnSync(join(dir, 'main'), { encoding: 'utf8', maxBuffer: 1 << 26 }).stdout
}

const expected = (pattern: Pattern, options: ExportOptions): string => {
  const { map, colorOrder = 'RGB' } = options
  const leds = map?.length ?? pattern.leds
  const pixels = pattern.frames.map(frame => {
    const strip = map === undefined ? frame.pixels : toStripOrder(frame.pixels, map)
    return encodeColors(
      Uint8Array.from(strip),
      colorOrder === 'GRBW' ? 'GRBW' : colorOrder === 'GRB' ? 'GRB' : 'RGB',
    )
  })
  const bytesPerLed = colorOrder.length
  return `${pattern.width} ${pattern.height} ${leds} ${pattern.frames.length} ${bytesPerLed} ${colorOrder} ${pattern.loopCount}
${pattern.frames.map(({ delayMs }) => `${delayMs} `).join('')}
${Buffer.concat(pixels).toString('hex')}`
}

t.test(
  'the header compiles as C99 and C++ without a warning, and holds every byte',
  { skip: missing },
  async t => {
    const random = seeded(4)
    const noise = patternOf(
      7,
      3,
      [1, 65_535, 65_536, 0xffffffff].map(delayMs => ({
        delayMs,
        pixels: new Uint8Array(63).map(() => random() * 256),
      })),
    )
    const one = patternOf(1, 1, [{ delayMs: 20, pixels: Uint8Array.of(1, 2, 3) }])
    const lantern = openBest(ownSample('lantern.leds'), { fileName: 'lantern.leds' })
    for (const [pattern, options, name] of [
      [noise, { name: 'noise' }, 'noise'],
      [
        { ...noise, loopCount: 9 },
        { name: '3 böse */ ??/ "Namen"\\', map: wiringMap(7, 3, 'column-serpentine-br'), colorOrder: 'GRB' },
        'pattern_3_bo_se_Namen',
      ],
      [one, { name: 'int' }, 'pattern_int'],
      [one, { name: '灯籠' }, 'pattern'],
      [one, { name: 'uint8_t' }, 'pattern_uint8_t'],
      [lantern, { colorOrder: 'GRBW' }, 'lantern'],
    ] as const)
      for (const compiler of compilers)
        t.equal(
          readBack(t, written(cHeaderExporter, pattern, options), name, compiler),
          expected(pattern, options),
          name,
        )
    t.equal(bytesOf(one).length, 3)
  },
)

t.test('what no board has flash for, and orders that there are not, are refused', async t => {
  const pixels = new Uint8Array(3000)
  const big = patternOf(
    1000,
    1,
    Array.from({ length: 5600 }, () => ({ delayMs: 20, pixels })),
  )
  t.match(fault(cHeaderExporter.write(big, {})), { kind: 'does_not_fit', message: /16777216/ })
  t.match(fault(cHeaderExporter.write(big, { colorOrder: 'RGBX' })), { kind: 'bad_request' })
  t.same(
    value(cHeaderExporter.write(patternOf(1, 1, [{ delayMs: 1, pixels: new Uint8Array(3) }]), {})).notes,
    [],
  )
})
