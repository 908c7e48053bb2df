// The gateway at work, step by step, with what is seen at each: run by scripts/demo after set-up.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  cleanUp,
  folder,
  json,
  kb,
  nextEvent,
  note,
  percent,
  picture,
  pixelgate,
  root,
  shownBy,
  start,
  step,
  until,
  virtualBoard,
  within,
} from './demo-parts/stage.mjs'
import { Visitor } from './demo-parts/visitor.mjs'

const ends = process.argv.includes('--once')
const jobDeadlineMs = 60_000

/** The port stays over a restart, so that everybody finds the gateway again. */
let ports = { http: 0, mqtt: 0 }

function configure(boards) {
  const links = boards.map(({ path }) => ({ kind: 'serial', path, baudRate: 115_200 }))
  const config = {
    stateDir: join(folder, 'state'),
    controlSocket: join(folder, 'control.sock'),
    links,
    http: { host: '127.0.0.1', port: ports.http },
    mqtt: { listeners: [{ host: '127.0.0.1', port: ports.mqtt }] },
    gpio: {
      enabled: true,
      backend: 'memory',
      buttons: [{ name: 'next', line: 17, action: 'next', board: boards[1].uuid }],
      statusLed: { line: 27 },
    },
    log: { level: 'warn' },
  }
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
}

async function startGateway(boards) {
  configure(boards)
  const child = pixelgate('serve', '--config', 'config.json')
  const { http, mqtt } = await nextEvent(child, 'the gateway')
  ports = { http: Number(new URL(http).port), mqtt: Number(new URL(mqtt).port) }
  note(`gateway (pid ${child.pid}): panel and API ${http}, MQTT ${mqtt}`)
  return { child, http }
}

/** mosquitto_sub on every topic of uploads; the password travels in a file that only we can read. */
async function mqttWatcher(visitor, heard) {
  const { user, password } = await visitor.post('/mqtt-users', { name: 'watcher' })
  const lines = ['-h 127.0.0.1', `-p ${ports.mqtt}`, `-u ${user.name}`, `-P ${password}`, '-i watcher']
  const options = [...lines, '-q 1', '-v', '-t pixelgate/+/+/upload/+/status']
  writeFileSync(join(folder, 'mosquitto_sub'), `${options.join('\n')}\n`, { mode: 0o600 })
  const child = start('mosquitto_sub', [], { env: { ...process.env, XDG_CONFIG_HOME: folder } })
  void (async () => {
    for await (const line of child.lines) {
      const at = line.indexOf(' ')
      if (line.length > at + 1) heard(line.slice(0, at), JSON.parse(line.slice(at + 1)))
    }
  })()
  return child
}

const seen = { webSocket: new Map(), mqtt: new Map() }
const final = ['done', 'failed', 'cancelled']
const count = (map, id) => map.set(id, (map.get(id) ?? 0) + 1)

async function watchLive(visitor, onProgress) {
  return visitor.listen(['jobs', 'progress', 'boards'], ({ topic, data }) => {
    if (topic === 'progress') {
      count(seen.webSocket, data.jobId)
      onProgress?.(data)
    }
  })
}

async function finished(visitor, jobId) {
  return within(
    jobDeadlineMs,
    until('the end of the upload', async () => {
      // The gateway may be away for a moment: this demo kills it.
      const { job } = await visitor.get(`/jobs/${jobId}`).catch(() => ({ job: { state: 'unknown' } }))
      return final.includes(job.state) && job
    }),
    'the upload',
  )
}

async function report(visitor, name, job) {
  if (job.state !== 'done') throw new Error(`${job.name}: ${job.errorMessage}`)
  const done = await visitor.get(`/jobs/${job.id}/report`)
  note(`${name}: verified and active`)
  note(`  board's ${done.digest.alg}  ${done.digest.value}`)
  note(`  our sha256      ${done.sha256}  ${done.digest.value === done.sha256 ? 'equal' : 'DIFFERENT'}`)
  note(
    `  ${kb(done.imageBytes)} of pixels travelled as ${kb(done.payloadBytes)}; blocks sent twice: ${done.resentBlocks}; resumed: ${done.resumed ? 'yes' : 'no'}`,
  )
  note(
    `  progress was seen ${seen.webSocket.get(job.id) ?? 0} times on the WebSocket, ${seen.mqtt.get(job.id) ?? 0} times over MQTT`,
  )
  return done
}

async function send(visitor, file, board) {
  const { pattern, candidates } = await visitor.upload(file, readFileSync(join(root, 'samples', file)))
  const [best] = candidates
  note(
    `${file}: ${kb(pattern.sizeBytes)}, read as ${best.format} ${best.width}×${best.height}, ${best.frames} frames`,
  )
  const { jobs } = await visitor.post('/jobs', { patternId: pattern.id, boards: [board] })
  return jobs[0].id
}

async function showBoards(names) {
  for (const name of names) {
    const last = await until(`${name} plays`, () => shownBy(name).at(-1))
    note(`${name}: pattern ${last.pattern}, frame ${last.frame}, ${last.delayMs} ms a frame`)
    if (process.stdout.isTTY) picture(last.pixels)
  }
}

async function tour(gateway, boards) {
  step('The first person claims the gateway over HTTP')
  const { claimCode } = await json('setup')
  const visitor = new Visitor(gateway.http)
  const { user } = await visitor.claim(claimCode, 'demo', randomBytes(12).toString('base64url'))
  note(`claim code ${claimCode} (told on the console only); ${user.name} is ${user.role} now`)
  await until('both boards connected', async () => {
    const { boards: known } = await visitor.get('/boards')
    return known.filter(({ state }) => state === 'connected').length === boards.length
  })
  note('both boards have been greeted')

  step('comet.gif to the board "door" through the API, watched on the WebSocket and with mosquitto_sub')
  let interrupt
  let live = await watchLive(visitor, progress => interrupt?.(progress))
  const mqtt = await mqttWatcher(visitor, (topic, status) => {
    const jobId = topic.split('/')[4]
    count(seen.mqtt, jobId)
    if (status.state === 'done') note(`  mosquitto_sub: ${topic} ${JSON.stringify(status)}`)
  })
  await report(visitor, 'door', await finished(visitor, await send(visitor, 'comet.gif', 'door')))

  step('lantern.leds to the board "window", and the gateway is killed (SIGKILL) in the middle')
  let killed
  interrupt = ({ doneBytes, totalBytes, phase }) => {
    if (killed !== undefined || phase !== 'transferring' || doneBytes < totalBytes * 0.3) return
    note(`${percent(doneBytes / totalBytes)} are on the board: kill -9 ${gateway.child.pid}`)
    killed = once(gateway.child, 'exit')
    gateway.child.kill('SIGKILL')
  }
  const jobId = await send(visitor, 'lantern.leds', 'window')
  await until('the kill', () => killed)
  await killed
  note('the gateway is dead; the board keeps what it has')
  await startGateway(boards)
  live = await watchLive(visitor)
  note('it has taken the job up again by itself; the sign-in is still good')
  const done = await report(visitor, 'window', await finished(visitor, jobId))
  if (!done.resumed || done.resentBlocks !== 0) throw new Error('the upload was not resumed')

  step('Chat')
  const { rooms } = await visitor.get('/rooms')
  const common = rooms.find(({ kind }) => kind === 'common')
  await visitor.post(`/rooms/${common.id}/messages`, { text: 'The window is ready.' })
  await visitor.post(`/rooms/${common.id}/messages`, { text: '/boards' })
  await until('the answer', async () => {
    const { messages } = await visitor.get(`/rooms/${common.id}/messages`)
    if (!messages.some(({ kind }) => kind === 'reply')) return false
    for (const { author, text } of [...messages].reverse())
      note(`${(author ?? 'gateway').padEnd(8)} ${text.replaceAll('\n', '\n                   ')}`)
    return true
  })

  step('A button on a memory pin switches the pattern of "door"')
  await report(visitor, 'door', await finished(visitor, await send(visitor, 'lantern.leds', 'door')))
  const shown = async () => {
    const { board } = await visitor.get(`/boards/${boards[1].uuid}`)
    return board.status?.patternName
  }
  await until('door to show lantern.leds', async () => (await shown()) === 'lantern.leds')
  note('door plays lantern.leds; the button on line 17 is pressed')
  await visitor.post('/gpio/next/simulate', { action: 'press' })
  await until('door to show comet.gif', async () => (await shown()) === 'comet.gif')
  note('door plays comet.gif')

  step('What the boards show now, and how the gateway is')
  await showBoards(['window', 'door'])
  const health = await visitor.get('/health')
  note(
    `health ${health.score} of 100: ${health.checks.map(({ name, status }) => `${name} ${status}`).join(', ')}`,
  )
  const counted = [...seen.mqtt.values()].reduce((sum, each) => sum + each, 0)
  if (counted === 0) throw new Error(`mosquitto_sub saw nothing. ${mqtt.errors}`)
  live.close()
}

async function stay(gateway) {
  step('Two patterns')
  for (const [file, board] of [
    ['comet.gif', 'door'],
    ['lantern.leds', 'window'],
  ]) {
    const child = pixelgate(
      'upload',
      join(root, 'samples', file),
      '--board',
      board,
      '--config',
      'config.json',
      '--json',
    )
    let last
    for await (const line of child.lines) last = JSON.parse(line)
    if (last?.event !== 'done') throw new Error(`${file}: ${last?.message ?? child.errors}`)
    note(`${board}: ${file} verified and active`)
  }
  await showBoards(['window', 'door'])
  const { claimCode } = await json('setup')
  step('Now you')
  note(`Open   ${gateway.http}`)
  note(`Code   ${claimCode}`)
  note('Everything stays up until Ctrl-C. In another terminal:')
  note(`  cd ${root} && npx pixelgate boards --config ${join(folder, 'config.json')}`)
  await once(process, 'SIGINT')
}

async function main() {
  step('Two virtual boards (the C board library as WebAssembly, each behind a pseudo-terminal)')
  const boards = [await virtualBoard('window', '--fault', 'slow-flash=12'), await virtualBoard('door')]

  step('The gateway')
  const gateway = await startGateway(boards)
  if (ends) await tour(gateway, boards)
  else await stay(gateway)
  step('Done')
}

try {
  await main()
} catch (error) {
  console.error(`\nThe demo failed: ${error.message}`)
  process.exitCode = 1
} finally {
  await cleanUp()
}
