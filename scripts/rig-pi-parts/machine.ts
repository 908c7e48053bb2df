import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Guest, until } from './guest.ts'
import { Qmp } from './qmp.ts'

const startTimeoutMs = 20_000
const bootTimeoutMs = 240_000
const lastLines = 25

export interface MachineFiles {
  readonly kernel: string
  readonly initrd: string
  /** Written to in a copy that goes with the machine. */
  readonly root: string
  /** Mounted at /srv/pixelgate, read-only. */
  readonly checkout: string
}

/** An emulated arm64 machine that runs. */
export interface Machine {
  readonly guest: Guest
  readonly qmp: Qmp
  /** From the start of QEMU until the agent answered. */
  readonly bootMs: number
  /** The last lines of its console, and what QEMU itself has said. */
  console(): string
  stop(): Promise<void>
}

/** Boots QEMU's board "virt" with a PL061 GPIO chip and an xHCI controller. TCG only, so that every machine shows the same. */
export async function bootMachine({ kernel, initrd, root, checkout }: MachineFiles): Promise<Machine> {
  const startMs = performance.now()
  const folder = mkdtempSync(join(tmpdir(), 'rig-pi-'))
  const path = (name: string) => join(folder, name)
  const child = spawn(
    'qemu-system-aarch64',
    [
      ...['-M', 'virt', '-cpu', 'cortex-a72', '-smp', '2', '-m', '1024', '-accel', 'tcg,thread=multi'],
      ...['-nodefaults', '-display', 'none', '-nic', 'none', '-no-reboot'],
      ...['-kernel', kernel, '-initrd', initrd],
      ...['-append', 'console=ttyAMA0 rw systemd.unit=multi-user.target systemd.show_status=yes panic=1'],
      ...[
        '-drive',
        `if=none,id=root,format=raw,snapshot=on,file=${root}`,
        '-device',
        'virtio-blk-pci,drive=root',
      ],
      ...['-drive', `if=none,id=checkout,format=raw,readonly=on,file=${checkout}`],
      ...['-device', 'virtio-blk-pci,drive=checkout'],
      ...['-device', 'virtio-serial-pci', '-device', 'virtserialport,chardev=agent,name=rig'],
      ...['-chardev', `socket,id=agent,server=on,wait=off,path=${path('agent')}`],
      ...['-device', 'virtio-rng-pci', '-device', 'qemu-xhci,id=usb'],
      ...['-serial', `file:${path('console')}`],
      ...['-qmp', `unix:${path('qmp')},server=on,wait=off`],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let words = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-4_000)
  })
  const console = () => {
    const all = existsSync(path('console')) ? readFileSync(path('console'), 'utf8').trimEnd() : ''
    const ended = child.exitCode ?? child.signalCode
    return [...all.split('\n').slice(-lastLines), words, ended === null ? '' : `QEMU: ${ended}`].join('\n')
  }
  let [guest, qmp]: [Guest | undefined, Qmp | undefined] = [undefined, undefined]
  const stop = async () => {
    guest?.close()
    qmp?.close()
    await end(child)
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await until(
      async () => {
        if (child.exitCode !== null) throw new Error(`QEMU has ended: ${words}`)
        return existsSync(path('agent')) && existsSync(path('qmp'))
      },
      'QEMU to listen',
      startTimeoutMs,
    )
    qmp = await Qmp.connect(path('qmp'))
    guest = await Guest.connect(path('agent'), bootTimeoutMs)
    return { guest, qmp, bootMs: performance.now() - startMs, console, stop }
  } catch (thrown) {
    const shown = console()
    await stop()
    throw new Error(`${thrown instanceof Error ? thrown.message : thrown}\n${shown}`, {
      cause: thrown,
    })
  }
}

/** Ends a child by its own id. */
async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const exited = new Promise<void>(resolve => child.once('exit', () => resolve()))
  child.kill('SIGKILL')
  await exited
}
