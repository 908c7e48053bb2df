import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { startApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config/load-config.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { eventually, startBoard, workplace } from '../support/pixelgate.ts'

// biome-ignore lint/suspicious/noExplicitAny: the document is looked at by the test
type Json = any

const root = fileURLToPath(new URL('../../', import.meta.url))
const page = join(root, 'docs/api.md')
const deadlineMs = 60_000
const between = /(<!-- operations:[^\n]*-->\n)[\s\S]*(<!-- \/operations -->)/

/** A gateway that nobody has claimed, with a board. */
async function gateway(t: Parameters<typeof startBoard>[0]) {
  const place = await workplace(t)
  const board = await startBoard(t, place, { tcp: '0', name: 'window', leds: '16x16' })
  const [host, port] = board.path.split(':')
  const links = [{ kind: 'tcp', host, port: Number(port) }]
  const file = await place.file('config.json', JSON.stringify({ log: { level: 'silent' }, links }))
  const app = await startApp(await loadConfig({ file, env: place.env, flags: {} }), { log: silentLog })
  t.teardown(() => app.stop())
  await eventually(async () => app.core.registry.session(board.uuid as never) !== undefined, 'the board')
  return { app, place }
}

/** The operations as tables, one for each tag. */
function tables(document: Json): string {
  const rows = new Map<string, string[]>(document.tags.map((tag: Json) => [tag.name, []]))
  for (const [path, at] of Object.entries<Json>(document.paths))
    for (const [method, operation] of Object.entries<Json>(at)) {
      const route = `\`${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}\``
      rows.get(operation.tags[0])?.push(`| ${route} | ${operation['x-role']} | ${operation.summary} |`)
    }
  return document.tags
    .map((tag: Json) => {
      const list = rows.get(tag.name) ?? []
      return `### ${tag.name}\n\n${tag.description}\n\n| route | least role | |\n|---|---|---|\n${list.join('\n')}\n`
    })
    .join('\n')
}

t.test('every operation stands in docs/api.md as it is', async t => {
  const { app } = await gateway(t)
  const document = await (await fetch(`${app.http?.url}/api/v1/openapi.json`)).json()
  const text = readFileSync(page, 'utf8')
  const wanted = text.replace(
    between,
    (_, start: string, end: string) => `${start}\n${tables(document)}\n${end}`,
  )
  if (process.argv.includes('--write')) writeFileSync(page, wanted)
  t.equal(readFileSync(page, 'utf8'), wanted, 'else: node --import tsx test/http/api-docs.test.ts --write')
})

t.test('what docs/api.md tells people to type works, line by line', async t => {
  const { app, place } = await gateway(t)
  const blocks = [...readFileSync(page, 'utf8').matchAll(/```sh\n([\s\S]*?)```/g)].map(
    ([, block = '']) => block,
  )
  const lines = blocks.join('').replace(/^GATEWAY=.*$/m, `GATEWAY=${app.http?.url}`)
  t.ok(lines.includes(`GATEWAY=${app.http?.url}`) && blocks.length >= 7)
  const bin = place.path('bin')
  mkdirSync(bin)
  const main = join(root, 'src/main.ts')
  const program = `#!/bin/sh\ncd ${root} && exec ${process.execPath} --import tsx ${main} "$@"\n`
  writeFileSync(join(bin, 'pixelgate'), program, { mode: 0o755 })
  copyFileSync(join(root, 'samples/comet.gif'), place.path('comet.gif'))
  writeFileSync(place.path('ca.pem'), '')
  const env = { ...process.env, ...place.env, PATH: `${bin}:${process.env['PATH']}` }
  const shell = spawn('bash', ['-euxo', 'pipefail', '-c', lines], {
    cwd: place.folder,
    env,
    timeout: deadlineMs,
  })
  let said = ''
  for (const stream of [shell.stdout, shell.stderr]) stream.on('data', chunk => (said += chunk))
  const [status] = await once(shell, 'close')
  t.equal(status, 0, said.slice(-1500))
  const read = (name: string) => JSON.parse(readFileSync(place.path(name), 'utf8'))
  t.match(read('token.json').secret, /^pgt_/)
  t.equal(read('jobs.json').jobs.length, 1)
  t.match(readFileSync(place.path('events.jsonl'), 'utf8'), /"done"/)
})
