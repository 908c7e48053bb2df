import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { AppError } from '../kernel/errors.ts'

/** What the module wants of its surroundings; pointers and lengths are bytes in its memory. */
export interface BoardImports {
  storage_read(address: number, pointer: number, length: number): number
  storage_write(address: number, pointer: number, length: number): number
  storage_erase(address: number, length: number): number
  send(pointer: number, length: number): void
  pixels(offset: number, pointer: number, length: number): void
  show(frame: number, delayMs: number, idPointer: number): void
  set_baud(baud: number): void
  reboot(): void
}

/** What the module offers. */
export interface BoardExports {
  readonly memory: { readonly buffer: ArrayBuffer }
  board_config_ptr(): number
  board_start(nowMs: number): number
  board_rx_ptr(): number
  board_sink(length: number): number
  board_poll(nowMs: number): number
}

/** The standard's constructors, as far as they are used here: Node's types have no WebAssembly without the DOM's. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object, imports: { env: BoardImports }) => { readonly exports: unknown }
}

/** Size of the staging area at `board_rx_ptr`. */
export const STAGING_BYTES = 4608

/** Two folders below the package's root both in `src` and in `dist`. */
const modulePath = fileURLToPath(new URL('../../firmware-protocol/wasm/board.wasm', import.meta.url))

let compiled: object | undefined

/** A board with a memory of its own; the code is compiled once. */
export function instantiateBoard(imports: BoardImports): BoardExports {
  compiled ??= compileBoardModule(modulePath)
  return new WebAssembly.Instance(compiled, { env: imports }).exports as BoardExports
}

export function compileBoardModule(path: string): object {
  let bytes: Uint8Array
  try {
    bytes = readFileSync(path)
  } catch (cause) {
    throw new AppError('file_missing', `The board library ${path} is missing: install the package again.`, {
      cause,
    })
  }
  return new WebAssembly.Module(bytes)
}
