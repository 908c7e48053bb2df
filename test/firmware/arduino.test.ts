import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { startBootBoard } from '../flash/boot-board.ts'
import { ledmFile, workplace } from '../support/pixelgate.ts'
import { without } from './packages.ts'

const protocol = fileURLToPath(new URL('../../firmware-protocol/', import.meta.url))
const library = `${protocol}boards/arduino/`
const compilers = ['gcc-avr', 'avr-libc', 'arduino-core-avr']
const rig = ['libsimavr-dev', 'libelf-dev']

const folder = mkdtempSync(join(tmpdir(), 'pg-arduino-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))

const run = promisify(execFile)
const make = (out: string, ...what: readonly string[]) =>
  run('make', ['--no-print-directory', '-s', '-C', library, `OUT=${folder}/${out}`, ...what])
const filesBelow = (path: string): readonly string[] =>
  readdirSync(path, { recursive: true, withFileTypes: true, encoding: 'utf8' })
    .filter(entry => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(path.length + 1))
    .sort()
const hashes = (path: string, pattern: RegExp): readonly string[] =>
  filesBelow(path)
    .filter(file => pattern.test(file))
    .map(file =>
      createHash('sha256')
        .update(readFileSync(join(path, file)))
        .digest('hex'),
    )

/** Builds a sketch for AVR; returns its HEX file. */
async function sketch(name: string): Promise<string> {
  const hex = `${folder}/sketches/${name}.hex`
  await make(`Pixelgate-${name}`, `SKETCHES=${folder}/sketches`, hex)
  return hex
}

const assembled = make('Pixelgate', 'all')
t.jobs = 3

t.test('the library holds the board library as it is, and nothing of it twice', async t => {
  await assembled
  const [built, src] = [`${folder}/Pixelgate`, `${folder}/Pixelgate/src`]
  t.same(hashes(`${src}/board`, /\.[ch]$/), hashes(`${protocol}src`, /\.[ch]$/))
  const headers = filesBelow(`${protocol}include/pixelgate`)
  t.same(filesBelow(`${src}/pixelgate`), [...headers, 'options.h'].sort())
  for (const header of headers)
    t.ok(
      readFileSync(`${src}/pixelgate/${header}`).equals(
        readFileSync(`${protocol}include/pixelgate/${header}`),
      ),
    )
  const own = new Set(filesBelow(`${library}src`).map(file => file.split('/').at(-1)))
  t.same(
    [...filesBelow(`${protocol}src`), ...headers].filter(file => own.has(file)),
    [],
  )
  t.same(
    filesBelow(built).filter(file => /\.(o|elf|hex)$/.test(file)),
    [],
  )
})

t.test(
  'its layout is that of the Arduino library specification, and its three descriptions agree',
  async t => {
    await assembled
    const built = `${folder}/Pixelgate`
    const lines = readFileSync(`${built}/library.properties`, 'utf8').trim().split('\n')
    const properties = Object.fromEntries(lines.map(line => line.split(/=(.*)/s).slice(0, 2)))
    const [, version] =
      /PG_LIBRARY_VERSION "(.*)"/.exec(readFileSync(`${protocol}include/pixelgate/version.h`, 'utf8')) ?? []
    for (const key of [
      'name',
      'version',
      'author',
      'maintainer',
      'sentence',
      'paragraph',
      'category',
      'architectures',
    ])
      t.ok(properties[key], key)
    t.equal(properties['version'], version)
    t.ok(existsSync(`${built}/src/${properties['includes']}`))
    const json = JSON.parse(readFileSync(`${built}/library.json`, 'utf8'))
    t.match(json, { name: properties['name'], version, description: properties['sentence'] })
    t.equal(json.platforms.length, properties['architectures'].split(',').length)
    for (const name of readdirSync(`${built}/examples`))
      t.ok(existsSync(`${built}/examples/${name}/${name}.ino`), name)
    const sources = filesBelow(`${built}/src`)
      .map(file => readFileSync(`${built}/src/${file}`, 'utf8'))
      .join()
    for (const line of readFileSync(`${built}/keywords.txt`, 'utf8').trim().split('\n')) {
      const [word = '', kind = ''] = line.split('\t')
      t.ok(new RegExp(`\\b${word}\\b`).test(sources) && /^(KEYWORD[12]|LITERAL1)$/.test(kind), line)
    }
  },
)

for (const { name, chip, roomBytes, width, height } of [
  { name: 'Uno', chip: 'uno', roomBytes: 32_256, width: 60, height: 1 },
  { name: 'Mega', chip: 'mega', roomBytes: 253_952, width: 8, height: 8 },
] as const)
  t.test(
    `the sketch ${name} fits its chip, is greeted, and a pattern that it was sent is verified`,
    { skip: without(...compilers, ...rig) },
    async t => {
      const program = await sketch(name)
      const { stdout } = await run('avr-size', [program.replace('.hex', '.elf')])
      const [, text, data] = /^\s*(\d+)\s+(\d+)/m.exec(stdout) ?? []
      t.ok(Number(text) + Number(data) <= roomBytes, `${text} + ${data} bytes of ${roomBytes}`)
      const place = await workplace(t)
      const board = await startBootBoard(t, place, chip, { program })
      const file = await place.file('noise.bin', ledmFile([1, 2, 3], width, height))
      const upload = () => place.here('upload', file, '--port', board.port, '--json', '--color-order', 'GRB')
      const first = await upload()
      t.match(first, { status: 0, last: { event: 'done', digest: { alg: 'siphash128' } } }, first.stdout)
      t.match(await upload(), { status: 0, last: { payloadBytes: 0 } }, 'it is still there after a reset')
    },
  )

t.test(
  'every sketch for AVR without a library of others compiles',
  { skip: without(...compilers) },
  async t => {
    t.match(readFileSync(await sketch('MegaSpiFlash'), 'latin1'), /^:00000001FF/m)
  },
)

const xtensa = '/usr/bin/xtensa-lx106-elf-gcc'
t.test(
  'the board library compiles for the ESP8266',
  { skip: !existsSync(xtensa) && 'needs the package gcc-xtensa-lx106' },
  async t => {
    await assembled
    const src = `${folder}/Pixelgate/src`
    const sources = filesBelow(`${src}/board`).filter(file => file.endsWith('.c'))
    for (const file of sources)
      await run(xtensa, [
        ...[
          '-std=c99',
          '-Wall',
          '-Wextra',
          '-Wconversion',
          '-pedantic',
          '-Werror',
          '-Os',
          '-mlongcalls',
          '-ffreestanding',
        ],
        ...[`-I${src}`, '-c', `${src}/board/${file}`, '-o', `${folder}/object.o`],
      ])
    t.ok(sources.length > 20)
  },
)
