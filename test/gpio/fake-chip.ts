import {
  closeSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { systemClock } from '../../src/kernel/clock.ts'

const tools = fileURLToPath(new URL('fake-tools', import.meta.url))

/** A folder with fakes of the tools of libgpiod, in one version, over a chip of files: see fake-tools. */
export class FakeChip {
  readonly folder: string

  constructor(t: Pick<Test, 'teardown'>, version: string) {
    this.folder = mkdtempSync(join(tmpdir(), 'fake-gpio-'))
    t.teardown(() => rmSync(this.folder, { recursive: true, force: true }))
    cpSync(tools, this.folder, { recursive: true })
    mkdirSync(join(this.folder, 'chip'))
    this.write('version', version)
    this.write(
      'chips',
      'gpiochip0 [pinctrl-bcm2711] (58 lines)\ngpiochip1 [raspberrypi-exp-gpio] (8 lines)\n',
    )
  }

  get procFolder(): string {
    return join(this.folder, 'proc')
  }

  write(name: string, text = ''): void {
    writeFileSync(join(this.folder, name), text)
  }

  remove(name: string): void {
    rmSync(join(this.folder, name), { force: true })
  }

  /** Text of a file; empty: there is none. */
  read(name: string): string {
    const path = join(this.folder, name)
    return existsSync(path) ? readFileSync(path, 'utf8').trim() : ''
  }

  /** Electrical levels that an output has had. */
  levels(line: number): string[] {
    return this.read(`chip/${line}.levels`).split('\n')
  }

  /** Process that holds the line; undefined: nobody does. */
  holder(line: number): number | undefined {
    const pid = Number(this.read(`chip/${line}.holder`).split(' ')[0])
    return pid > 0 && isAlive(pid) ? pid : undefined
  }

  /** Electrical levels for the gpiomon that watches the line; `die` ends it. */
  async edges(line: number, ...levels: (0 | 1 | 'die')[]): Promise<void> {
    const path = join(this.folder, `chip/${line}.events`)
    await until(() => existsSync(path), 'a gpiomon')
    let fd: number | undefined
    await until(() => {
      // Refused (ENXIO) until the other side has opened it.
      try {
        fd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
      } catch {
        return false
      }
      return true
    }, 'a reader')
    if (fd === undefined) return
    writeSync(fd, levels.map(level => `${level}\n`).join(''))
    closeSync(fd)
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  // One that has ended and was not waited for yet holds nothing.
  return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
}

/** Waits for a condition; rejects after 10 s. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const latestMs = systemClock.now() + 10_000
  while (!condition()) {
    if (systemClock.now() > latestMs) throw new Error(`no ${what}`)
    await new Promise(resolve => setTimeout(resolve, 2))
  }
}
