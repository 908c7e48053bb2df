import { AppError } from '../kernel/errors.ts'

export interface ToolFailure {
  /** `gpiomon` */
  readonly tool: string
  /** As a person knows it: label or name. */
  readonly chip: string
  readonly line: number
  readonly stderr: string
  /** Who holds the line, when that was found out. */
  readonly holder?: string | undefined
}

/**
 * What a tool of libgpiod said, in plain words with its cure. Both versions end their words with those of strerror(3):
 * "error waiting for events: Device or resource busy", "unable to request lines on chip '/dev/gpiochip0': …".
 */
export function toolError({ tool, chip, line, stderr, holder }: ToolFailure): AppError {
  const said = (stderr.trim().split('\n').at(-1) ?? '').slice(0, 300)
  const at = `line ${line} of ${chip}`
  const give = (message: string) =>
    new AppError('gpio_failed', message, { detail: { tool, chip, line, said } })
  // setpriv starts the tools that hold lines.
  if (/^setpriv: .*no such file/i.test(said))
    return give(`${tool} cannot be started: sudo apt-get install gpiod`)
  if (said.startsWith('setpriv:')) {
    return give(
      `${tool} cannot be started here (${said}). A service needs SystemCallFilter=capset for it, as the unit that scripts/install.sh puts in place has.`,
    )
  }
  if (/resource busy/i.test(said)) {
    const who = holder === undefined ? 'another program or a driver' : holder
    return give(
      `The ${at} is in use by ${who}. End that program, take its overlay out of config.txt, or use another line: gpioinfo shows who holds what.`,
    )
  }
  if (/permission denied/i.test(said)) {
    return give(
      `No permission to use ${chip}. Add the user to the group gpio: sudo usermod -aG gpio $USER, then sign in again (a service: restart it).`,
    )
  }
  if (/operation not permitted/i.test(said)) {
    return give(
      `The service may not use ${chip}. Its unit needs DeviceAllow=char-gpiochip rw; a container needs the device /dev/gpiochip*.`,
    )
  }
  if (/no such file|cannot find GPIO chip|no such device/i.test(said))
    return give(`There is no GPIO chip ${chip} any more. gpiodetect shows those that are there.`)
  if (/out of range|cannot find line/i.test(said))
    return give(`${chip} has no line ${line}. gpioinfo shows those that it has.`)
  if (/invalid argument|not supported/i.test(said)) {
    return give(
      `The ${at} cannot be used so: it may not exist, raise no interrupts, or take no pull-up. gpioinfo shows the lines of the chip.`,
    )
  }
  return give(said === '' ? `${tool} ended without a word on ${at}.` : `${tool} failed on ${at}: ${said}`)
}
