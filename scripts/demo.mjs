// The main job, step by step, with what is seen at each: run by scripts/demo after set-up.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'

const stay = !process.argv.includes('--once')
const root = new URL('..', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'pixelgate-demo-'))
const children = new Set()
const deadlineMs = 60_000
const startedMs = Date.now()

const bold = text => (process.stdout.isTTY ? `\x1b[1m${text}\x1b[0m` : text)
const step = text =>
  console.log(`\n${bold(`[${((Date.now() - startedMs) / 1000).toFixed(1).padStart(5)} s] ${text}`)}`)
const note = text => console.log(`          ${text}`)

function run(...args) {
  const child = spawn(process.execPath, [join(root, 'dist/main.js'), ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child.errors = ''
  child.stderr.on('data', chunk => {
    child.errors += chunk
  })
  children.add(child)
  child.once('exit', () => children.delete(child))
  child.lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return child
}

async function within(ms, promise, what) {
  const timeout = AbortSignal.timeout(ms)
  const late = once(timeout, 'abort').then(() => {
    throw new Error(`${what} took longer than ${ms / 1000} s`)
  })
  return Promise.race([promise, late])
}

async function nextEvent(child, what) {
  const { value, done } = await within(deadlineMs, child.lines.next(), what)
  if (done) throw new Error(`${what}: the process ended. ${child.errors}`)
  return JSON.parse(value)
}

async function json(...args) {
  const child = run(...args, '--config', 'config.json', '--json')
  let text = ''
  for await (const line of child.lines) text += line
  return JSON.parse(text)
}

const percent = share => `${(share * 100).toFixed(1)} %`
const kb = bytes => `${(bytes / 1024).toFixed(1)} KB`

/** Frames that a board has shown, from its record. */
function shownOf(name) {
  const lines = readFileSync(join(folder, `${name}.jsonl`), 'utf8')
    .trimEnd()
    .split('\n')
  return lines.map(line => JSON.parse(line)).filter(({ pattern }) => pattern !== null)
}

/** Sixteen rows of pixels as eight lines of half blocks, for a terminal with colours. */
function picture(pixels) {
  const color = (row, column) =>
    Buffer.from(pixels, 'hex')
      .subarray((row * 16 + column) * 3)
      .subarray(0, 3)
      .join(';')
  for (let row = 0; row < 16; row += 2) {
    const cells = Array.from(
      { length: 16 },
      (_, column) => `\x1b[38;2;${color(row, column)}m\x1b[48;2;${color(row + 1, column)}m▀`,
    )
    note(`${cells.join('')}\x1b[0m`)
  }
}

async function board(name, ...more) {
  const child = run(
    'board',
    'virtual',
    '--pty',
    join(folder, name),
    '--leds',
    '16x16',
    '--name',
    name,
    '--flash',
    `${name}.flash`,
    '--frames-out',
    `${name}.jsonl`,
    ...more,
  )
  const { path, uuid } = await nextEvent(child, `the board ${name}`)
  note(`${name}: ${path}, 16×16 LEDs, ${uuid}`)
  return child
}

async function gateway() {
  const child = run('serve', '--config', 'config.json')
  const { controlSocket } = await nextEvent(child, 'the gateway')
  note(`gateway (pid ${child.pid}) answers on ${controlSocket}`)
  return child
}

async function until(what, condition) {
  for (const endMs = Date.now() + deadlineMs; Date.now() < endMs; await pause(50))
    if (await condition()) return
  throw new Error(`${what} did not happen within ${deadlineMs / 1000} s`)
}

async function upload(file, target, onProgress) {
  const child = run(
    'upload',
    join(root, 'samples', file),
    '--board',
    target,
    '--config',
    'config.json',
    '--json',
  )
  const finished = once(child, 'exit')
  let last
  for await (const line of child.lines) {
    const event = JSON.parse(line)
    if (event.event === 'progress') await onProgress?.(event)
    if (event.event === 'done' || event.event === 'failed') last = event
  }
  await finished
  if (last?.event !== 'done') throw new Error(`${file}: ${last?.message ?? child.errors}`)
  return last
}

function report(name, done) {
  note(`${name}: verified and active`)
  note(`  board's ${done.digest.alg}  ${done.digest.value}`)
  note(`  our sha256      ${done.sha256}  ${done.digest.value === done.sha256 ? 'equal' : 'DIFFERENT'}`)
  note(
    `  ${kb(done.imageBytes)} of pixels travelled as ${kb(done.payloadBytes)}; blocks sent twice: ${done.resentBlocks}; resumed: ${done.resumed ? 'yes' : 'no'}`,
  )
}

async function main() {
  step('Two virtual boards (the C board library as WebAssembly, each behind a pseudo-terminal)')
  await board('window', '--fault', 'slow-flash=12')
  await board('door')

  step('The gateway')
  const links = ['window', 'door'].map(name => ({
    kind: 'serial',
    path: join(folder, name),
    baudRate: 115_200,
  }))
  writeFileSync(
    join(folder, 'config.json'),
    JSON.stringify({ stateDir: join(folder, 'state'), controlSocket: join(folder, 'control.sock'), links }),
  )
  let daemon = await gateway()
  await until(
    'both boards connected',
    async () => (await json('boards')).boards.filter(({ state }) => state === 'connected').length === 2,
  )
  note('both boards have been greeted')

  step('comet.gif to the board "door"')
  report('door', await upload('comet.gif', 'door'))

  step('lantern.leds to the board "window", and the gateway is killed (SIGKILL) in the middle')
  let killed
  const done = await upload('lantern.leds', 'window', async ({ doneBytes, totalBytes, phase }) => {
    if (killed !== undefined || phase !== 'transferring' || doneBytes < totalBytes * 0.3) return
    killed = doneBytes
    note(`${percent(doneBytes / totalBytes)} are on the board: kill -9 ${daemon.pid}`)
    const gone = once(daemon, 'exit')
    daemon.kill('SIGKILL')
    await gone
    note('the gateway is dead; the board keeps what it has')
    daemon = await gateway()
    note('it has taken the job up again by itself')
  })
  if (killed === undefined) throw new Error('the upload was over before it could be interrupted')
  report('window', done)
  if (!done.resumed || done.resentBlocks !== 0) throw new Error('the upload was not resumed')

  step('What the boards show now')
  for (const name of ['window', 'door']) {
    await until(`${name} plays`, () => shownOf(name).length > 0)
    const frames = shownOf(name)
    const last = frames.at(-1)
    note(`${name}: pattern ${last.pattern}, frame ${last.frame}, ${last.delayMs} ms a frame`)
    if (process.stdout.isTTY) picture(last.pixels)
  }
  const { jobs } = await json('jobs')
  for (const job of jobs)
    note(
      `job ${job.id}: ${job.name} ${job.state}, ${job.durableBlocks} of ${job.blocks} blocks, ${job.attempts === 1 ? '1 run' : `${job.attempts} runs`}`,
    )

  step('Done')
  if (stay) {
    note(`Everything stays up until Ctrl-C. In another terminal: cd ${folder}`)
    note(
      `  ${root}node_modules/.bin/../../dist/main.js boards --config ${join(folder, 'config.json')}`.replace(
        'node_modules/.bin/../../',
        '',
      ),
    )
    await once(process, 'SIGINT')
  }
}

async function cleanUp() {
  const exits = [...children].map(child => once(child, 'exit'))
  for (const child of children) child.kill('SIGTERM')
  await within(10_000, Promise.all(exits), 'stopping').catch(() => {
    for (const child of children) child.kill('SIGKILL')
  })
  rmSync(folder, { recursive: true, force: true })
}

try {
  await main()
} catch (error) {
  console.error(`\nThe demo failed: ${error.message}`)
  process.exitCode = 1
} finally {
  await cleanUp()
}
