import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { AppError } from '../kernel/errors.ts'
import type { Environment, User } from './default-paths.ts'
import type { ConfigFile } from './layers.ts'
import { type Config, resolveConfig } from './resolve-config.ts'

export interface LoadOptions {
  /** A JSON file; none: defaults, environment and flags alone. */
  readonly file?: string | undefined
  readonly env?: Environment
  readonly flags?: Readonly<Record<string, string | undefined>>
  readonly user?: User
}

/** Far above any configuration, far below what would hurt. */
const maxFileCharacters = 1_000_000

/** Reads and resolves the configuration: the one place where the environment is read. Throws AppError `config_invalid`. */
export async function loadConfig(options: LoadOptions = {}): Promise<Config> {
  const file = options.file === undefined ? undefined : await read(options.file)
  const user = options.user ?? { uid: process.getuid?.(), homeDir: homedir() }
  return resolveConfig({ file, env: options.env ?? process.env, flags: options.flags ?? {}, user })
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist: make it, or leave its name out',
  EACCES: 'cannot be read: give this user the right to read it',
  EISDIR: 'is a folder, not a file',
}

async function read(path: string): Promise<ConfigFile> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    const code = String((error as NodeJS.ErrnoException).code)
    const message = `the config file ${path} ${reasons[code] ?? `cannot be read (${code})`}`
    throw new AppError('config_invalid', message, { cause: error })
  }
  if (text.length <= maxFileCharacters) return { path, text }
  throw new AppError(
    'config_invalid',
    `the config file ${path} is too large: ${maxFileCharacters} characters at most`,
  )
}
