/**
 * Runs inside the emulated machine and does what the rig asks for, a JSON line each way over a virtio port:
 *   { id, shell, timeoutMs }                → { id, status, out, err }
 *   { id, socket, method, path, body | base64, timeoutMs } → { id, status, out }
 */
import { spawn } from 'node:child_process'
import { createWriteStream, existsSync, openSync, read } from 'node:fs'
import { request } from 'node:http'
import { StringDecoder } from 'node:string_decoder'

const port = '/dev/virtio-ports/rig'
const capChars = 4_000_000

while (!existsSync(port)) await new Promise(resolve => setTimeout(resolve, 100))
const fd = openSync(port, 'r+')
const out = createWriteStream('', { fd, autoClose: false })
const tell = answer => out.write(`${JSON.stringify(answer)}\n`)

function shell({ id, shell: script, timeoutMs }) {
  const child = spawn('/bin/bash', ['-c', script], { stdio: ['ignore', 'pipe', 'pipe'] })
  const said = { out: '', err: '' }
  for (const [name, stream] of [
    ['out', child.stdout],
    ['err', child.stderr],
  ])
    stream.setEncoding('utf8').on('data', text => {
      if (said[name].length < capChars) said[name] += text
    })
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
  child.once('close', (status, signal) => {
    clearTimeout(timer)
    tell({ id, status: status ?? signal, ...said })
  })
}

function ask({ id, socket, method, path, body, base64, timeoutMs }) {
  const bytes = base64 === undefined ? undefined : Buffer.from(base64, 'base64')
  const content = bytes ?? (body === undefined ? undefined : Buffer.from(JSON.stringify(body)))
  const type = bytes === undefined ? 'application/json' : 'application/octet-stream'
  const headers = content === undefined ? {} : { 'content-type': type, 'content-length': content.length }
  const asked = request({ socketPath: socket, method, path, headers, timeout: timeoutMs }, answer => {
    let text = ''
    answer.setEncoding('utf8').on('data', part => {
      text += part
    })
    answer.once('end', () => tell({ id, status: answer.statusCode, out: text }))
  })
  asked.once('timeout', () => asked.destroy(new Error(`no answer within ${timeoutMs} ms`)))
  asked.once('error', error => tell({ id, status: 0, out: error.message }))
  asked.end(content)
}

const text = new StringDecoder('utf8')
let rest = ''
const bytes = Buffer.alloc(65_536)
function next() {
  read(fd, bytes, 0, bytes.length, null, (error, count) => {
    // Nobody is at the other end: a read returns at once.
    if (error || count === 0) return setTimeout(next, 50)
    const lines = (rest + text.write(bytes.subarray(0, count))).split('\n')
    rest = lines.pop()
    for (const line of lines) {
      const command = JSON.parse(line)
      if (command.shell === undefined) ask(command)
      else shell(command)
    }
    next()
  })
}
tell({ id: 0, ready: true })
next()
