import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { AppError } from '../kernel/errors.ts'

/** Where the key of the keys is. */
export interface KeyFile {
  readonly path: string
  /** Somebody else provides it, such as systemd: it is never made. */
  readonly given: boolean
}

/** What its errors say. */
export interface VaultWords {
  /** `the stored pairing keys` */
  readonly secrets: string
  /** What to do when the key file is lost for good. */
  readonly cure: string
}

const pairingWords: VaultWords = {
  secrets: 'the stored pairing keys',
  cure: 'forget the keys: pixelgate board unpair BOARD --forget',
}

const cipher = 'aes-256-gcm'
const format = 1
const fileBytes = 32
/** NIST SP 800-38D §8.2.2: random nonces of 96 bits, far below 2^32 of them. */
const nonceBytes = 12
const tagBytes = 16

/**
 * Keeps small secrets encrypted (AES-256-GCM, NIST SP 800-38D) under a key in a file of its own. `1, nonce, ciphertext, tag`;
 * the owner's name is authenticated, so that no record can stand in for another.
 */
export class KeyVault {
  readonly #file: KeyFile
  readonly #words: VaultWords
  #key: Buffer | undefined

  constructor(file: KeyFile, words: VaultWords = pairingWords) {
    this.#file = file
    this.#words = words
  }

  /** Makes the file when there is none and `mayMake`. Throws AppError `config_invalid`. */
  seal(owner: string, secret: Uint8Array, mayMake: boolean): Uint8Array {
    const nonce = randomBytes(nonceBytes)
    const encrypt = createCipheriv(cipher, this.#load(mayMake), nonce).setAAD(Buffer.from(owner))
    const hidden = Buffer.concat([encrypt.update(secret), encrypt.final()])
    return Buffer.concat([Uint8Array.of(format), nonce, hidden, encrypt.getAuthTag()])
  }

  /** Throws AppError `config_invalid` when there is no key file, or when it is not the one that this was sealed with. */
  open(owner: string, sealed: Uint8Array): Uint8Array {
    const key = this.#load(false)
    const nonce = sealed.subarray(1, 1 + nonceBytes)
    const hidden = sealed.subarray(1 + nonceBytes, -tagBytes)
    try {
      if (sealed[0] !== format) throw new Error('unknown format')
      const decrypt = createDecipheriv(cipher, key, nonce, { authTagLength: tagBytes })
      decrypt.setAAD(Buffer.from(owner)).setAuthTag(sealed.subarray(-tagBytes))
      return new Uint8Array(Buffer.concat([decrypt.update(hidden), decrypt.final()]))
    } catch {
      throw new AppError(
        'config_invalid',
        `${this.#file.path} does not open ${this.#words.secrets}: put back the file that belongs to this database, or ${this.#words.cure}`,
      )
    }
  }

  #load(mayMake: boolean): Buffer {
    this.#key ??= this.#read() ?? (mayMake && !this.#file.given ? this.#make() : undefined)
    if (this.#key !== undefined) return this.#key
    throw new AppError(
      'config_invalid',
      `${this.#file.path} is missing, which opens ${this.#words.secrets}: put it back from where you keep it, or ${this.#words.cure}`,
    )
  }

  #read(): Buffer | undefined {
    const { path, given } = this.#file
    let bytes: Buffer
    try {
      // What systemd hands over is fenced by its folder.
      if (!given && (statSync(path).mode & 0o077) !== 0)
        throw new AppError('config_invalid', `${path} can be read by others: chmod 600 ${path}`)
      bytes = readFileSync(path)
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw thrown instanceof AppError
        ? thrown
        : new AppError('config_invalid', `${path} cannot be read: ${(thrown as Error).message}`)
    }
    if (bytes.length === fileBytes) return bytes
    throw new AppError('config_invalid', `${path} must have ${fileBytes} random bytes, not ${bytes.length}.`)
  }

  /** Whole or not at all, also after a power cut; of two processes that make one, the first wins. */
  #make(): Buffer | undefined {
    const { path } = this.#file
    const part = `${path}.${process.pid}`
    rmSync(part, { force: true })
    try {
      sync(part, 'wx', fd => writeSync(fd, randomBytes(fileBytes)))
      linkSync(part, path)
      sync(dirname(path), 'r')
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST')
        throw new AppError('config_invalid', `${path} cannot be written: ${(thrown as Error).message}`)
    } finally {
      rmSync(part, { force: true })
    }
    return this.#read()
  }
}

function sync(path: string, flags: string, act: (fd: number) => void = () => undefined): void {
  const fd = openSync(path, flags, 0o600)
  try {
    act(fd)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
