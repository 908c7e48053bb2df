import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import t from 'tap'
import { parseVirtualBoard, runVirtualBoard, virtualBoardOptions } from '../../src/cli/board-virtual.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { formatUuid } from '../../src/kernel/ids.ts'
import { openSerial } from '../../src/link/serial-link.ts'
import { BoardClient, type Until } from './board-client.ts'
import { pixelsOf, testPattern } from './test-pattern.ts'

const noSocat = spawnSync('socat', ['-V']).error === undefined ? false : 'socat is absent'
const LEDS = 60

interface Teardown {
  teardown(act: () => unknown): void
}

const until: Until = async (condition, what) => {
  const deadline = performance.now() + 10_000
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited too long for ${what}`)
    await new Promise(resolve => setTimeout(resolve, 1))
  }
}

function temporaryFolder(test: Teardown): string {
  const folder = mkdtempSync(join(tmpdir(), 'board-'))
  test.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** `pixelgate board virtual` with these arguments, until `stop` or the end of the test. */
async function run(test: Teardown, ...args: string[]) {
  const { values } = parseArgs({ args: [...args, '--leds', String(LEDS)], options: virtualBoardOptions })
  const end = new AbortController()
  let told = ''
  const out = { write: (text: string) => (told += text) }
  let failure: unknown
  const exit = runVirtualBoard(parseVirtualBoard(values), out, end.signal)
  exit.catch(thrown => {
    failure = thrown
  })
  const stop = () => {
    end.abort()
    return exit
  }
  test.teardown(() => stop().catch(() => undefined))
  await until(() => told.endsWith('\n') || failure !== undefined, 'the ready line')
  if (failure !== undefined) throw failure
  return { ready: JSON.parse(told), stop, exit }
}

async function serialClient(test: Teardown, path: string, session = 1): Promise<BoardClient> {
  const link = await openSerial(path, { baudRate: 115200, clock: systemClock, openTimeoutMs: 5000 })
  test.teardown(() => link.close())
  const client = new BoardClient(bytes => link.write(bytes), until, session)
  link.onData(client.receive)
  return client
}

function tcpClient(test: Teardown, path: string): BoardClient {
  const socket = connect(Number(path.split(':')[1]), '127.0.0.1')
  test.teardown(() => socket.destroy())
  const client = new BoardClient(bytes => socket.write(bytes), until)
  socket.on('data', client.receive)
  return client
}

t.test(
  'a board behind a pty takes a pattern, plays it into a file and keeps it in its flash',
  { skip: noSocat },
  async t => {
    const folder = temporaryFolder(t)
    const [link, flash, frames] = [join(folder, 'tty'), join(folder, 'flash'), join(folder, 'frames.jsonl')]
    const args = ['--pty', link, '--flash', flash, '--flash-size', '131072', '--frames-out', frames]
    const built = testPattern(4, LEDS)

    const first = await run(t, ...args)
    const client = await serialClient(t, link)
    const caps = await client.caps()
    t.same(first.ready, { ready: true, kind: 'pty', path: link, uuid: formatUuid(caps.uuid) })
    t.match(caps, { leds: LEDS, bootId: 1 })
    await client.upload(built)
    const recorded = () =>
      readFileSync(frames, 'utf8')
        .split('\n')
        .slice(0, -1)
        .map(line => JSON.parse(line))
    const played = () => recorded().filter(line => line.pattern === Buffer.from(built.id).toString('hex'))
    await until(() => played().length >= 5, 'five frames')
    for (const line of played()) {
      t.match(line, {
        leds: LEDS,
        delayMs: 40,
        pixels: Buffer.from(pixelsOf(line.frame, LEDS, 3)).toString('hex'),
      })
    }
    t.equal(await first.stop(), 0)
    t.notOk(existsSync(link))
    t.equal(readFileSync(flash).length, 131072)

    rmSync(frames)
    const second = await run(t, ...args)
    t.equal(second.ready.uuid, first.ready.uuid)
    await until(() => played().length >= 2, 'the pattern out of the flash')
    const again = await serialClient(t, link, 2)
    t.equal((await again.caps()).bootId, 2)
    t.equal(await second.stop(), 0)
  },
)

t.test('a board behind a TCP port answers, and an upload goes through it', async t => {
  const { ready, stop } = await run(t, '--tcp', '0', '--uuid', '00112233-4455-4677-8899-aabbccddeeff')
  t.match(ready, { ready: true, kind: 'tcp', path: /^127\.0\.0\.1:\d+$/, uuid: /^00112233-/ })
  const client = tcpClient(t, ready.path)
  await client.caps()
  await client.request({ type: 'SETBAUD', baud: 1_000_000 }, 'SETBAUD')
  await client.upload(testPattern(30, LEDS))
  t.equal((await client.request({ type: 'STATUS' }, 'STATUS')).mode, 1)
  t.equal(await stop(), 0)
})

t.test(
  'a board at the far end of a serial cable answers, and ends with a fault when the cable goes',
  { skip: noSocat },
  async t => {
    const folder = temporaryFolder(t)
    const [near, far] = [join(folder, 'near'), join(folder, 'far')]
    const socat = spawn('socat', [`PTY,raw,echo=0,link=${near}`, `PTY,raw,echo=0,link=${far}`])
    t.teardown(() => socat.kill())
    await until(() => existsSync(near) && existsSync(far), 'the cable')
    const board = await run(t, '--serial', far, '--baud', '500000')
    t.match(board.ready, { kind: 'serial', path: far })
    const client = await serialClient(t, near)
    t.equal((await client.caps()).leds, LEDS)
    await client.request({ type: 'SETBAUD', baud: 1_000_000 }, 'SETBAUD')
    // What comes while the board switches is lost (SPEC §3.6).
    await until(() => {
      client.send({ type: 'STATUS' })
      return client.heard.some(message => message.type === 'STATUS')
    }, 'an answer at the new rate')
    socat.kill()
    await t.rejects(board.exit, { code: 'link_lost' })
  },
)

t.test('what cannot be opened ends the command with its cure, and nothing stays behind', async t => {
  const folder = temporaryFolder(t)
  const { ready } = await run(t, '--tcp', '0')
  await t.rejects(run(t, '--tcp', ready.path.split(':')[1]), { code: 'port_busy' })
  await t.rejects(run(t, '--serial', join(folder, 'absent')), { code: 'port_missing' })
  await t.rejects(run(t, '--tcp', '0', '--frames-out', join(folder, 'no', 'frames')), {
    code: 'storage_failed',
  })
  await t.rejects(run(t, '--tcp', '0', '--flash', folder), { code: 'storage_failed' })
  await t.rejects(run(t, '--tcp', '0', '--flash-size', '8192'), { code: 'config_invalid' })
})
