// Processes of the demo, a folder that goes with it, and what the terminal shows.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'

export const root = new URL('../..', import.meta.url).pathname
export const folder = mkdtempSync(join(tmpdir(), 'pixelgate-demo-'))
const children = new Set()
const deadlineMs = 60_000
const startedMs = Date.now()

const bold = text => (process.stdout.isTTY ? `\x1b[1m${text}\x1b[0m` : text)
export const step = text =>
  console.log(`\n${bold(`[${((Date.now() - startedMs) / 1000).toFixed(1).padStart(5)} s] ${text}`)}`)
export const note = text => console.log(`          ${text}`)
export const percent = share => `${(share * 100).toFixed(1)} %`
export const kb = bytes => `${(bytes / 1024).toFixed(1)} KB`

/** Starts a program; `lines` are those of its stdout, `errors` what it wrote to stderr. */
export function start(command, args, options = {}) {
  const child = spawn(command, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], ...options })
  child.errors = ''
  child.stderr.on('data', chunk => {
    child.errors = `${child.errors}${chunk}`.slice(-4096)
  })
  children.add(child)
  child.once('exit', () => children.delete(child))
  child.once('error', () => children.delete(child))
  child.lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return child
}

export const pixelgate = (...args) => start(process.execPath, [join(root, 'dist/main.js'), ...args])

export async function within(ms, promise, what) {
  const timeout = AbortSignal.timeout(ms)
  const late = once(timeout, 'abort').then(() => {
    throw new Error(`${what} took longer than ${ms / 1000} s`)
  })
  return Promise.race([promise, late])
}

export async function nextEvent(child, what) {
  const { value, done } = await within(deadlineMs, child.lines.next(), what)
  if (done) throw new Error(`${what}: the process ended. ${child.errors}`)
  return JSON.parse(value)
}

/** Runs a command of the CLI to its end and returns its JSON. */
export async function json(...args) {
  const child = pixelgate(...args, '--config', 'config.json', '--json')
  let text = ''
  for await (const line of child.lines) text += line
  if (text === '') throw new Error(`pixelgate ${args.join(' ')}: ${child.errors}`)
  return JSON.parse(text)
}

export async function until(what, condition) {
  for (const endMs = Date.now() + deadlineMs; Date.now() < endMs; await pause(50)) {
    const found = await condition()
    if (found) return found
  }
  throw new Error(`${what} did not happen within ${deadlineMs / 1000} s`)
}

export async function virtualBoard(name, ...more) {
  const line = ['--pty', join(folder, name), '--leds', '16x16', '--name', name]
  const files = ['--flash', `${name}.flash`, '--frames-out', `${name}.jsonl`]
  const child = pixelgate('board', 'virtual', ...line, ...files, ...more)
  const { path, uuid } = await nextEvent(child, `the board ${name}`)
  note(`${name}: ${path}, 16×16 LEDs, ${uuid}`)
  return { path, uuid }
}

/** Frames that a board has shown, from its record. */
export function shownBy(name) {
  const text = readFileSync(join(folder, `${name}.jsonl`), 'utf8')
  const whole = text.slice(0, text.lastIndexOf('\n') + 1).trimEnd()
  const lines = whole === '' ? [] : whole.split('\n')
  return lines.map(line => JSON.parse(line)).filter(({ pattern }) => pattern !== null)
}

/** Sixteen rows of pixels as eight lines of half blocks, for a terminal with colours. */
export function picture(pixels) {
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

export async function cleanUp() {
  const exits = [...children].map(child => once(child, 'exit'))
  for (const child of children) child.kill('SIGTERM')
  await within(10_000, Promise.all(exits), 'stopping').catch(() => {
    for (const child of children) child.kill('SIGKILL')
  })
  rmSync(folder, { recursive: true, force: true })
}
