import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, connect as dial, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { until } from '../broker/broker-rig.ts'

const program = '/usr/sbin/mosquitto'

/** false: it is there; else why a test is skipped. */
export const noMosquitto = existsSync(program) ? false : `${program} is not installed`

/** A port of loopback that nobody has at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise(resolve => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

export const answers = (port: number): Promise<boolean> =>
  new Promise(resolve => {
    const socket = dial({ host: '127.0.0.1', port })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })

/** A real mosquitto on loopback that can be killed and started again at the same port. */
export class Mosquitto {
  readonly port: number
  readonly folder: string
  #child: ChildProcess | undefined

  private constructor(port: number, folder: string) {
    this.port = port
    this.folder = folder
  }

  /** `lines` are added to its configuration; without a listener among them there is a plain one for everybody. */
  static async start(
    t: Test,
    lines: (folder: string, port: number) => Promise<readonly string[]> | readonly string[] = () => [],
  ) {
    const folder = await mkdtemp(join(tmpdir(), 'mosquitto-'))
    const port = await freePort()
    const broker = new Mosquitto(port, folder)
    const more = await lines(folder, port)
    const listener = more.some(line => line.startsWith('listener'))
      ? []
      : [`listener ${port} 127.0.0.1`, 'allow_anonymous true']
    const config = ['persistence false', 'log_type none', 'user root', ...listener, ...more]
    await writeFile(join(folder, 'mosquitto.conf'), `${config.join('\n')}\n`)
    t.teardown(async () => {
      await broker.kill()
      await rm(folder, { recursive: true, force: true })
    })
    await broker.start()
    return broker
  }

  async start(): Promise<void> {
    this.#child = spawn(
      'setpriv',
      ['--pdeathsig', 'KILL', program, '-c', join(this.folder, 'mosquitto.conf')],
      { stdio: 'ignore' },
    )
    let open = false
    await until(() => {
      void answers(this.port).then(yes => {
        open ||= yes
      })
      return open
    }, 'mosquitto')
  }

  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise(resolve => child.once('exit', resolve))
    child.kill(signal)
    await ended
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`
  }
}

/** A line to a broker that can be cut: what is sent then arrives nowhere, and nobody is told. */
export class Line {
  readonly port: number
  readonly #pairs = new Set<readonly [Socket, Socket]>()
  #dark = false

  private constructor(port: number) {
    this.port = port
  }

  static async to(t: Test, target: number): Promise<Line> {
    const port = await freePort()
    const line = new Line(port)
    const server = createServer(near => {
      const far = dial({ host: '127.0.0.1', port: target })
      const pair = [near, far] as const
      line.#pairs.add(pair)
      for (const [from, to] of [pair, [far, near] as const]) {
        from.on('data', chunk => {
          if (!line.#dark) to.write(chunk)
        })
        from.on('error', () => undefined)
        from.on('close', () => {
          line.#pairs.delete(pair)
          if (!line.#dark) to.destroy()
        })
      }
    })
    await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
    t.teardown(() => {
      line.reset()
      server.close()
    })
    return line
  }

  /** From now on everything vanishes. */
  darken(): void {
    this.#dark = true
  }

  /** Connections of before are reset; new ones work. */
  mend(): void {
    this.reset()
    this.#dark = false
  }

  /** Both ends see a reset. */
  reset(): void {
    for (const [near, far] of this.#pairs) {
      near.resetAndDestroy()
      far.resetAndDestroy()
    }
    this.#pairs.clear()
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`
  }
}
