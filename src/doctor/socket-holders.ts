import { readlinkSync } from 'node:fs'
import type { Machine } from './machine.ts'

/** State LISTEN of the tables /proc/net/tcp and tcp6 (proc_pid_net(5)). */
const listening = '0A'

/** Inodes of the sockets that listen on a TCP port, whatever their address. */
export function listenersOn(machine: Machine, port: number): readonly string[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0')
  return ['proc/net/tcp', 'proc/net/tcp6']
    .flatMap(path => machine.text(path).split('\n').slice(1))
    .map(line => line.trim().split(/\s+/))
    .filter(([, local, , state]) => state === listening && local?.endsWith(`:${wanted}`))
    .map(fields => fields[9] ?? '')
}

/** Inodes of the sockets at a path. */
export const socketsAt = (machine: Machine, socketPath: string): readonly string[] =>
  machine
    .text('proc/net/unix')
    .split('\n')
    .map(line => line.trim().split(/\s+/))
    .filter(fields => fields[7] === socketPath)
    .map(fields => fields[6] ?? '')

export interface Holder {
  readonly pid: string
  readonly name: string
}

/** Processes that have one of the sockets open; those of other users only root sees. */
export function socketHolders(machine: Machine, inodes: readonly string[]): readonly Holder[] {
  if (inodes.length === 0) return []
  const targets = inodes.map(inode => `socket:[${inode}]`)
  return machine
    .names('proc')
    .filter(pid => /^\d+$/.test(pid))
    .filter(pid =>
      machine
        .names(`proc/${pid}/fd`)
        .some(fd => targets.includes(target(machine.path(`proc/${pid}/fd/${fd}`)))),
    )
    .map(pid => ({ pid, name: machine.text(`proc/${pid}/comm`).trim() }))
}

function target(link: string): string {
  try {
    return readlinkSync(link)
  } catch {
    return ''
  }
}
