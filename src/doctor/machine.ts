import { execFile } from 'node:child_process'
import { accessSync, readdirSync, readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join, relative } from 'node:path'
import { type Clock, systemClock } from '../kernel/clock.ts'

export interface Ran {
  readonly status: number
  readonly stdout: string
}

/** The machine as the doctor sees it; a test gives a folder as its root and programs of its own. */
export class Machine {
  readonly clock: Clock
  readonly nodeVersion: string
  readonly uid: number
  readonly userName: string
  /** Numbers of the groups of this user, as the process has them. */
  readonly groups: readonly number[]
  readonly #root: string
  readonly #programs: string

  constructor(
    options: {
      readonly root?: string
      /** Folders of programs, with colons between them. */
      readonly programs?: string
      readonly clock?: Clock
      readonly nodeVersion?: string
      readonly uid?: number
      readonly userName?: string
      readonly groups?: readonly number[]
    } = {},
  ) {
    this.#root = options.root ?? '/'
    this.#programs = options.programs ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
    this.clock = options.clock ?? systemClock
    this.nodeVersion = options.nodeVersion ?? process.version
    this.uid = options.uid ?? process.getuid?.() ?? 0
    this.userName = options.userName ?? nameOfUser()
    this.groups = options.groups ?? process.getgroups?.() ?? []
  }

  path(path: string): string {
    return join(this.#root, path)
  }

  /** The path as people know it. */
  shown(path: string): string {
    return join('/', relative(this.#root, path))
  }

  /** The text of a file; empty when it cannot be read. */
  text(path: string): string {
    try {
      return readFileSync(this.path(path), 'utf8')
    } catch {
      return ''
    }
  }

  names(folder: string): readonly string[] {
    try {
      return readdirSync(this.path(folder)).sort()
    } catch {
      return []
    }
  }

  has(path: string): boolean {
    try {
      accessSync(this.path(path))
      return true
    } catch {
      return false
    }
  }

  /** The number of a group of /etc/group; undefined: there is none. */
  groupNumber(name: string): number | undefined {
    const line = this.text('etc/group')
      .split('\n')
      .find(each => each.startsWith(`${name}:`))
    return line === undefined ? undefined : Number(line.split(':')[2])
  }

  groupName(gid: number): string {
    const line = this.text('etc/group')
      .split('\n')
      .find(each => each.split(':')[2] === String(gid))
    return line?.split(':')[0] ?? String(gid)
  }

  /** Runs a program to its end, 3 s at most; undefined: it is not installed, or had to be ended. */
  run(program: string, ...args: readonly string[]): Promise<Ran | undefined> {
    const options = {
      timeout: 3_000,
      killSignal: 'SIGKILL',
      maxBuffer: 256 * 1024,
      env: { PATH: this.#programs, LC_ALL: 'C' },
    } as const
    return new Promise(resolve => {
      execFile(program, [...args], options, (error, stdout) => {
        if (error === null) return resolve({ status: 0, stdout })
        resolve(typeof error.code === 'number' ? { status: error.code, stdout } : undefined)
      })
    })
  }
}

function nameOfUser(): string {
  try {
    return userInfo().username
  } catch {
    // A number without an entry in /etc/passwd.
    return '$USER'
  }
}
