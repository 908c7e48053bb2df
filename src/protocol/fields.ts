import { fail, ok, type Result } from '../kernel/result.ts'

/** Why a body is no message; `error` is the ERR name a board would answer with (SPEC §2.6). */
export type MessageFault =
  | { readonly error: 'UNSUPPORTED'; readonly type: number }
  | { readonly error: 'BAD_LENGTH'; readonly expectedBytes: number; readonly gotBytes: number }
  | { readonly error: 'BAD_ARGUMENT'; readonly offset: number }

/** A value with a fixed place and width. `write` throws a RangeError on a value that does not fit: that is a bug of the caller. */
export interface Field<T> {
  readonly sizeBytes: number
  read(view: DataView, at: number): T
  write(view: DataView, at: number, value: T): void
}

const unsigned = (sizeBytes: 1 | 2 | 4): Field<number> => {
  const limit = 2 ** (8 * sizeBytes)
  const check = (value: number) => {
    if (!Number.isInteger(value) || value < 0 || value >= limit)
      throw new RangeError(`${value} is not an unsigned integer of ${8 * sizeBytes} bits`)
    return value
  }
  if (sizeBytes === 1)
    return {
      sizeBytes,
      read: (view, at) => view.getUint8(at),
      write: (view, at, value) => view.setUint8(at, check(value)),
    }
  if (sizeBytes === 2)
    return {
      sizeBytes,
      read: (view, at) => view.getUint16(at, true),
      write: (view, at, value) => view.setUint16(at, check(value), true),
    }
  return {
    sizeBytes,
    read: (view, at) => view.getUint32(at, true),
    write: (view, at, value) => view.setUint32(at, check(value), true),
  }
}

export const u8 = unsigned(1)
export const u16 = unsigned(2)
export const u32 = unsigned(4)

/** A byte of flags of which this side knows bit 0 only; the others are ignored. */
export const flag0: Field<boolean> = {
  sizeBytes: 1,
  read: (view, at) => (view.getUint8(at) & 1) === 1,
  write: (view, at, value) => view.setUint8(at, value ? 1 : 0),
}

/** Exactly `sizeBytes` bytes; what is read is a copy. */
export const bytesOf = (sizeBytes: number): Field<Uint8Array> => ({
  sizeBytes,
  read: (view, at) =>
    new Uint8Array(view.buffer.slice(view.byteOffset + at, view.byteOffset + at + sizeBytes) as ArrayBuffer),
  write: (view, at, value) => {
    if (value.length !== sizeBytes) throw new RangeError(`${value.length} bytes where ${sizeBytes} belong`)
    new Uint8Array(view.buffer, view.byteOffset + at, sizeBytes).set(value)
  },
})

export const id16 = bytesOf(16)

/** Fields one after the other, as the tables of SPEC give them. */
export interface Layout<T> {
  readonly sizeBytes: number
  /** The fields at the front of `body`; what follows them is the caller's to judge. */
  readFront(body: Uint8Array): Result<T, MessageFault>
  /** The fields that are all of `body`. */
  read(body: Uint8Array): Result<T, MessageFault>
  /** The fields, followed by `tail`. */
  write(value: T, tail?: Uint8Array): Uint8Array
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

export function layout<T extends object>(fields: { readonly [K in keyof T]: Field<T[K]> }): Layout<T> {
  const entries = Object.entries(fields) as [keyof T, Field<T[keyof T]>][]
  const sizeBytes = entries.reduce((sum, [, field]) => sum + field.sizeBytes, 0)
  const wrongLength = (body: Uint8Array) =>
    fail({ error: 'BAD_LENGTH' as const, expectedBytes: sizeBytes, gotBytes: body.length })

  function readFront(body: Uint8Array): Result<T, MessageFault> {
    if (body.length < sizeBytes) return wrongLength(body)
    const view = viewOf(body)
    const value: Partial<T> = {}
    let at = 0
    for (const [name, field] of entries) {
      value[name] = field.read(view, at)
      at += field.sizeBytes
    }
    return ok(value as T)
  }

  return {
    sizeBytes,
    readFront,
    read: body => (body.length > sizeBytes ? wrongLength(body) : readFront(body)),
    write(value, tail) {
      const body = new Uint8Array(sizeBytes + (tail?.length ?? 0))
      const view = viewOf(body)
      let at = 0
      for (const [name, field] of entries) {
        field.write(view, at, value[name])
        at += field.sizeBytes
      }
      if (tail !== undefined) body.set(tail, at)
      return body
    },
  }
}
