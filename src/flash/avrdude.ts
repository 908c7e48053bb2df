import { AppError } from '../kernel/errors.ts'
import type { FlashProgress, FlashTool } from './flash-tool.ts'

export interface AvrdudeSettings {
  /** `-p`: m328p. */
  readonly part: string
  /** `-c`: arduino (STK500 v1) or wiring (v2). Both pull the board's reset through DTR. */
  readonly programmer: 'arduino' | 'wiring'
  /** Of the bootloader, not of the firmware. */
  readonly baudRate: number
}

/** Marks of 2 % for one memory, without a terminal. */
const barMarks = 50
/** A run says 2 KB. */
const heardCapChars = 64 * 1024

/** avrdude 6.3 to 8 (Debian 12: 7.1). It reads back and compares what it wrote; `-D`: a bootloader erases page by page. */
export const avrdude = ({ part, programmer, baudRate }: AvrdudeSettings): FlashTool => ({
  commands: ['avrdude'],
  install: 'sudo apt-get install avrdude',
  imageSuffixes: ['.hex'],
  connectMs: 8000,
  deadlineMs: 180_000,
  argv: ({ port, imageFile }) => [
    ...['-p', part, '-c', programmer, '-b', String(baudRate), '-P', port, '-D'],
    ...['-U', `flash:w:${imageFile}:i`],
  ],
  readProgress,
  fault,
})

/**
 * Without a terminal a bar is `Writing | ` and a `#` for every 2 %. One read before writing is the signature's, where it
 * is shown at all; one after is the verification.
 */
function readProgress(): (text: string) => readonly FlashProgress[] {
  let heard = ''
  let greeted = false
  const told: number[] = []
  return text => {
    if (heard.length < heardCapChars) heard += text
    const progress: FlashProgress[] = []
    if (!greeted && /AVR device initialized|device signature =/i.test(heard)) {
      greeted = true
      progress.push({ phase: 'connecting', share: 1 })
    }
    const bars = [...heard.matchAll(/(Reading|Writing) \| (#*)/g)]
    const writes = bars.findIndex(([, verb]) => verb === 'Writing')
    for (const [at, [, verb, marks = '']] of bars.entries()) {
      if (told[at] === marks.length) continue
      told[at] = marks.length
      const share = Math.min(1, marks.length / barMarks)
      if (verb === 'Writing') progress.push({ phase: 'writing', share })
      else if (writes >= 0 && at > writes) progress.push({ phase: 'verifying', share })
    }
    return progress
  }
}

const faults: readonly {
  readonly says: RegExp
  readonly fault: (label: string, port: string, said: string) => AppError
}[] = [
  {
    says: /verification error|content mismatch/i,
    fault: (label, port) =>
      new AppError(
        'verification_failed',
        `What was read back from the ${label} on ${port} is not what was written. Run the command again; if that does not help, the chip's flash is worn or its supply is weak.`,
      ),
  },
  {
    says: /expected signature|device signature = .*\n?.*(?:double check|does not match)|invalid device signature/i,
    fault: (label, port) =>
      new AppError(
        'board_refused',
        `The chip on ${port} is not that of the ${label}. Give its own --kind: see pixelgate board flash --help`,
      ),
  },
  {
    says: /not in sync|not responding|stk500_recv|getsync|timeout communicating|ReceiveMessage\(\): timeout|unable to open programmer/i,
    fault: (label, port) =>
      new AppError(
        'board_mute',
        `No bootloader of the ${label} answers on ${port}. Check --kind and the cable, and unplug what is wired to the pins 0 and 1; boards without automatic reset want the reset button pressed as the command starts. Nano clones often want --kind nano-old.`,
      ),
  },
]

function fault(said: string, label: string, port: string): AppError {
  const known = faults.find(({ says }) => says.test(said))
  if (known !== undefined) return known.fault(label, port, said)
  const words = said
    .split(/[\r\n]+/)
    .map(line => line.replace(/^avrdude: /, '').trim())
    .filter(line => line !== '' && !/done\.|Thank you/.test(line))
  return new AppError('link_failed', `avrdude failed: ${words.slice(-2).join(' ') || 'without a word'}`)
}
