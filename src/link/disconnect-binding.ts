import type { EventEmitter } from 'node:events'
import { readSync, writeSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'
import { SerialPort } from 'serialport'

const readableFlag = 1
const writableFlag = 2
/** A port that takes nothing although it says it is writable is gone (node-serialport #2280); a live one never does it twice. */
const maxZeroWrites = 8

/** What is used of a POSIX port of `@serialport/bindings-cpp`. */
export interface NativePort {
  readonly fd: number | null
  readonly isOpen: boolean
  /** Emits `readable` and `writable` with an error or null. `poll` replaces the set of events that is waited for. */
  readonly poller: EventEmitter & { poll(flags: number): void }
  read(buffer: Buffer, offset: number, length: number): Promise<{ buffer: Buffer; bytesRead: number }>
  write(buffer: Buffer): Promise<void>
}

/** The calls made on the non-blocking descriptor. */
export interface PortIo {
  read(fd: number, buffer: Buffer, offset: number, length: number): number
  write(fd: number, buffer: Buffer, offset: number, length: number): number
}

const kernelIo: PortIo = {
  read: (fd, buffer, offset, length) => readSync(fd, buffer, offset, length, null),
  write: (fd, buffer, offset, length) => writeSync(fd, buffer, offset, length),
}

interface Waiter {
  resolve(): void
  reject(error: unknown): void
}

const canceled = () => Object.assign(new Error('Port is not open'), { canceled: true })
const disconnected = (what: string) => Object.assign(new Error(what), { disconnect: true })
const isAgain = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'EAGAIN' || error.code === 'EINTR')

/**
 * Replaces read and write of a port:
 * - A read of 0 bytes is a disconnect. Under VMIN 1 only a hung-up terminal answers so, and the original retries it for
 *   ever on a full core (bindings-cpp #162, #164).
 * - Writes end after a few zeros in place of looping (node-serialport #2280).
 * - The original waits for *either* side, whichever was asked last, so replies stay unread while a write is blocked, and
 *   wakes for events nobody asked for. Here the set is stated each time.
 * - The descriptor is non-blocking, so it is read and written here and now; the thread pool costs ten times the CPU.
 */
export function guardPort<T extends NativePort>(port: T, io: PortIo = kernelIo): T {
  let reader: Waiter | undefined
  let writer: Waiter | undefined
  const arm = () => {
    if (port.isOpen) port.poller.poll((reader ? readableFlag : 0) | (writer ? writableFlag : 0))
  }
  const settle = (waiter: Waiter | undefined, error: unknown) => {
    if (error) waiter?.reject(error)
    else {
      arm()
      waiter?.resolve()
    }
  }
  port.poller.on('readable', error => {
    const waiter = reader
    reader = undefined
    settle(waiter, error)
  })
  port.poller.on('writable', error => {
    const waiter = writer
    writer = undefined
    settle(waiter, error)
  })
  const descriptor = (): number => {
    if (port.fd === null) throw canceled()
    return port.fd
  }

  port.read = async (buffer, offset, length) => {
    for (;;) {
      descriptor()
      await new Promise<void>((resolve, reject) => {
        reader = { resolve, reject }
        arm()
      })
      try {
        const bytesRead = io.read(descriptor(), buffer, offset, length)
        if (bytesRead === 0) throw disconnected('the device is gone: end of file')
        return { buffer, bytesRead }
      } catch (error) {
        if (!isAgain(error)) throw error
      }
    }
  }

  port.write = async buffer => {
    let offset = 0
    let zeros = 0
    while (offset < buffer.length) {
      try {
        const written = io.write(descriptor(), buffer, offset, buffer.length - offset)
        offset += written
        zeros = written === 0 ? zeros + 1 : 0
        if (zeros > maxZeroWrites) throw disconnected('the device takes no more bytes')
      } catch (error) {
        if (!isAgain(error)) throw error
      }
      if (offset === buffer.length) return
      await new Promise<void>((resolve, reject) => {
        writer = { resolve, reject }
        arm()
      })
    }
  }
  return port
}

type Binding = typeof SerialPort.binding

/** The platform's binding with guarded ports. Its poller belongs to the main thread's loop: elsewhere it ends the process. */
export const disconnectBinding = {
  list: () => SerialPort.binding.list(),
  async open(options: object) {
    if (!isMainThread) throw new Error('serial ports open in the main thread of a process only')
    const port: unknown = await SerialPort.binding.open(options as never)
    return isNative(port) ? guardPort(port) : port
  },
} as Binding

/** False on Windows, whose binding is of another make. */
const isNative = (port: unknown): port is NativePort =>
  typeof port === 'object' && port !== null && 'poller' in port
