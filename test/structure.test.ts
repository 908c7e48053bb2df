import { readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import t from 'tap'

/** Module → modules that it may import beside kernel; ARCHITECTURE.md gives the reasons. */
const table: Readonly<Record<string, readonly string[]>> = {
  kernel: [],
  protocol: [],
  guard: [],
  config: [],
  store: [],
  gpio: [],
  mdns: [],
  flash: [],
  pattern: ['protocol'],
  wire: [],
  ops: ['guard', 'store'],
  link: ['protocol'],
  board: ['link', 'protocol', 'store', 'guard'],
  upload: ['board', 'pattern', 'protocol', 'store', 'guard', 'wire'],
  show: ['board', 'upload', 'pattern', 'store', 'guard'],
  account: ['store', 'guard', 'wire'],
  callback: ['store', 'guard', 'wire'],
  tools: ['account', 'board', 'upload', 'pattern', 'show', 'guard', 'wire'],
  chat: ['account', 'store', 'tools', 'guard', 'wire'],
  broker: ['account', 'board', 'upload', 'show', 'chat', 'store', 'guard', 'wire'],
  bridge: ['broker', 'link', 'protocol', 'guard', 'wire'],
  http: [
    'account',
    'callback',
    'board',
    'upload',
    'pattern',
    'show',
    'chat',
    'tools',
    'ops',
    'guard',
    'wire',
  ],
  ws: ['account', 'board', 'upload', 'pattern', 'show', 'chat', 'tools', 'ops', 'guard', 'wire'],
  doctor: ['config', 'link', 'board', 'gpio', 'store', 'ops'],
  virtual: ['protocol', 'link'],
  cli: [
    'config',
    'protocol',
    'pattern',
    'link',
    'board',
    'upload',
    'store',
    'virtual',
    'doctor',
    'flash',
    'wire',
  ],
  panel: ['wire'],
}
/** Folder of the broker → folders of it that it may import, beside what stands in `src/broker` itself. */
const brokerTable: Readonly<Record<string, readonly string[]>> = {
  packets: [],
  topics: ['packets'],
  connection: ['packets', 'topics'],
  door: ['connection', 'packets'],
  memory: ['connection', 'topics'],
  devices: ['topics'],
  upstream: ['topics', 'devices'],
  'home-assistant': ['topics'],
}
const maxLines = 400
const maxMedianLines = 100
const maxLinesOfC = 300
const src = new URL('../src/', import.meta.url)
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(name => /\.tsx?$/.test(name))
const texts = new Map(files.map(file => [file, readFileSync(new URL(file, src), 'utf8')]))
const importPattern = /\b(?:from|import)\s*\(?\s*'(\.[^']+)'/g
const moduleOf = (path: string): string => path.split('/', 1)[0] ?? ''

t.test('within the broker, too, folders import one way', async t => {
  for (const [file, text] of texts) {
    const [, folder] = /^broker\/([^/]+)\//.exec(file) ?? []
    if (folder === undefined) continue
    t.ok(brokerTable[folder] !== undefined, `${folder} stands in the table`)
    const outside = [...text.matchAll(importPattern)]
      .map(([, target = '']) => posix.join(posix.dirname(file), target))
      .map(target => /^broker\/([^/]+)\//.exec(target)?.[1])
      .filter(other => other !== undefined && other !== folder && !brokerTable[folder]?.includes(other))
    t.same(outside, [], file)
  }
})

t.test('imports follow the table', async t => {
  for (const [file, text] of texts) {
    if (!file.includes('/')) continue // app.ts and main.ts put everything together
    const from = moduleOf(file)
    t.ok(table[from] !== undefined, `${from} stands in the table`)
    const allowed = [from, 'kernel', ...(table[from] ?? [])]
    const outside = [...text.matchAll(importPattern)]
      .map(([, target = '']) => posix.join(posix.dirname(file), target))
      .filter(target => !allowed.includes(moduleOf(target)))
    t.same(outside, [], file)
  }
})

t.test('no file outgrows its reader', async t => {
  const sizes = [...texts].map(([file, text]) => ({ file, lines: text.split('\n').length }))
  for (const { file, lines } of sizes)
    t.ok(lines <= maxLines, `${file} has ${lines} lines, the cap is ${maxLines}`)
  const sorted = sizes.map(({ lines }) => lines).sort((a, b) => a - b)
  t.ok((sorted[Math.floor(sorted.length / 2)] ?? 0) <= maxMedianLines, 'the median file is short')
})

t.test('no C file outgrows its reader', async t => {
  const built = /(^|\/)(build|node_modules)\//
  for (const folder of ['firmware-protocol/', 'test/']) {
    const from = new URL(`../${folder}`, import.meta.url)
    const names = readdirSync(from, { recursive: true, encoding: 'utf8' })
    const sources = names.filter(name => /\.(c|h|cpp|ino)$/.test(name) && !built.test(name))
    t.ok(sources.length > 0, `there is C in ${folder}`)
    for (const name of sources) {
      const lines = readFileSync(new URL(name, from), 'utf8').split('\n').length
      t.ok(lines <= maxLinesOfC, `${folder}${name} has ${lines} lines, the cap is ${maxLinesOfC}`)
    }
  }
})

t.test('the protocol is bytes in and bytes out', async t => {
  const builtins = [...texts]
    .filter(([file]) => file.startsWith('protocol/'))
    .flatMap(([, text]) => [...text.matchAll(/from '(node:[^']+)'/g)].map(([, name]) => name))
  t.same([...new Set(builtins)].sort(), ['node:crypto', 'node:zlib'])
})

t.test('the environment is read in config only', async t => {
  const readers = [...texts]
    .filter(([, text]) => text.includes('process.env'))
    .map(([file]) => moduleOf(file))
  t.same(
    readers.filter(from => from !== 'config'),
    [],
  )
})

t.test('every module loads, so an untested one shows up in coverage', async t => {
  // main.ts and a worker's entry act when loaded; they are run as processes and threads elsewhere.
  const entries = ['main.ts', 'store/worker.ts', 'store/outbox/outbox-worker.ts']
  // The panel wants a browser, and is loaded in one.
  const loaded = files.filter(file => !entries.includes(file) && !file.startsWith('panel/'))
  for (const file of loaded) t.ok(await import(new URL(file, src).href), file)
})
