import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { stop } from '../../support/pty.ts'
import { QmpClient } from './qmp-client.ts'

/** However a test ends, no QEMU outlives it by more than this. */
const lifeMs = 120_000

/** A process of qemu-system-arm, from power-on to power-off. */
export class Qemu {
  /** The pseudo-terminal of the character device `line`. */
  readonly pty: string
  readonly #child: ChildProcess
  readonly #qmp: QmpClient
  readonly #memoryFile: string
  readonly #life: NodeJS.Timeout

  private constructor(child: ChildProcess, qmp: QmpClient, pty: string, files: string) {
    this.#child = child
    this.#qmp = qmp
    this.pty = pty
    this.#memoryFile = `${files}-memory`
    this.#life = setTimeout(() => child.kill('SIGKILL'), lifeMs)
  }

  /** Starts a machine that waits for `run`; `files` begins the names of what is exchanged with it. Rejects with what QEMU said when it ends at once. */
  static async start(machine: readonly string[], files: string): Promise<Qemu> {
    const socket = `${files}-qmp`
    await rm(socket, { force: true })
    const bare = ['-nodefaults', '-nic', 'none', '-display', 'none', '-monitor', 'none', '-S']
    const qmpServer = ['-qmp', `unix:${socket},server=on,wait=off`]
    const child = spawn(
      'setpriv',
      ['--pdeathsig', 'KILL', 'qemu-system-arm', ...bare, ...qmpServer, ...machine],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    )
    let said = ''
    child.stderr?.on('data', chunk => {
      said += chunk
    })
    try {
      const ended = new Promise<never>((_, reject) => {
        child.once('error', reject)
        child.once('exit', () => reject(new Error(`QEMU ended: ${said}`)))
      })
      const qmp = await Promise.race([QmpClient.connect(socket), ended])
      ended.catch(() => undefined)
      const devices = (await qmp.execute('query-chardev')) as { label: string; filename: string }[]
      const pty = devices.find(({ label }) => label === 'line')?.filename.replace('pty:', '')
      if (pty === undefined) throw new Error('QEMU has no line')
      return new Qemu(child, qmp, pty, files)
    } catch (error) {
      await stop(child)
      throw error
    }
  }

  async run(): Promise<void> {
    await this.#qmp.execute('cont')
  }

  /** Pulls the reset line of the machine. */
  async reset(): Promise<void> {
    await this.#qmp.execute('system_reset')
  }

  /** SIGKILL, by its own handle. */
  async kill(): Promise<void> {
    clearTimeout(this.#life)
    this.#qmp.close()
    await stop(this.#child)
  }

  /** Memory of the guest. */
  async memory(address: number, size: number): Promise<Buffer> {
    await this.#qmp.execute('pmemsave', { val: address, size, filename: this.#memoryFile })
    return readFileSync(this.#memoryFile)
  }

  /** A register of a device, which QEMU reads as the guest would. */
  async register(address: number): Promise<number> {
    const command = { 'command-line': `xp /1wx 0x${address.toString(16)}` }
    const said = String(await this.#qmp.execute('human-monitor-command', command))
    return Number.parseInt(said.split(': ')[1] ?? '', 16)
  }
}
