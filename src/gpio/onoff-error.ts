import { AppError, toError } from '../kernel/errors.ts'

/** What sysfs refused, in plain words with its cure. `number`: base of the chip and line. */
export function onoffError(thrown: unknown, chip: string, line: number, number: number): AppError {
  if (thrown instanceof AppError) return thrown
  const cause = toError(thrown)
  const code = codeOf(cause)
  const at = `line ${line} of ${chip} (number ${number} in sysfs)`
  return new AppError('gpio_failed', wordsOf(code, at, cause), {
    cause,
    detail: { chip, line, number, code },
  })
}

/** Node's own name of the fault; epoll, which watches for onoff, gives the system's words alone. */
function codeOf(cause: Error): string {
  if (/^operation not permitted$/i.test(cause.message)) return 'EPERM'
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : ''
}

function wordsOf(code: string, at: string, cause: Error): string {
  switch (code) {
    case 'EBUSY':
      return `The ${at} is in use by another program or a driver. End that program, take its overlay out of config.txt, or use another line: sudo cat /sys/kernel/debug/gpio shows who holds what.`
    case 'EINVAL':
      return `The kernel does not know the ${at}, or it cannot be used so. Check gpio.chip and the line: the BCM number, not the number of the pin on the header.`
    case 'EACCES':
      return `No permission to use the ${at}. Add the user to the group gpio: sudo usermod -aG gpio $USER, then sign in again (a service: restart it).`
    case 'EPERM':
      return `The system does not let edges of the ${at} be watched. Use another line, or the tools: sudo apt-get install gpiod`
    case 'EROFS':
      return `The service may not write to sysfs, so not use the ${at}. Its unit needs ReadWritePaths=/sys/class/gpio /sys/devices, or install the tools, which need nothing: sudo apt-get install gpiod`
    case 'ENOENT':
    case 'ENODEV':
      return `The ${at} is not there any more.`
    default:
      return `The ${at} cannot be used: ${cause.message}`
  }
}
