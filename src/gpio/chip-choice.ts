import { AppError } from '../kernel/errors.ts'

export interface Chip {
  /** `gpiochip0` */
  readonly name: string
  /** `pinctrl-bcm2711` */
  readonly label: string
  readonly lines: number
}

/** Labels of the chip behind the 40-pin header: Pi 5, Pi 4, all others (drivers pinctrl-rp1 and pinctrl-bcm2835). */
const headerLabels = ['pinctrl-rp1', 'pinctrl-bcm2711', 'pinctrl-bcm2835']

const describe = ({ name, label }: Chip): string => `${name} [${label}]`

/** The chip that `wanted` means: a label, a name, or `auto`. Throws `gpio_failed` when there is none. */
export function chooseChip<T extends Chip>(wanted: string, chips: readonly T[]): T {
  const labels = wanted === 'auto' ? headerLabels : [wanted]
  const byLabel = labels.flatMap(label => chips.filter(chip => chip.label === label))
  const [chosen] = [...byLabel, ...chips.filter(({ name }) => name === wanted)]
  if (chosen !== undefined) return chosen
  if (chips.length === 0) {
    throw new AppError(
      'gpio_failed',
      'This machine shows no GPIO chips. On a Raspberry Pi look at ls /dev/gpiochip*; a container or a service needs to be given these devices.',
    )
  }
  const present = chips.map(describe).join(', ')
  throw new AppError(
    'gpio_failed',
    wanted === 'auto'
      ? `No chip here is that of a Raspberry Pi's header. Present: ${present}. Name one of them in gpio.chip.`
      : `There is no GPIO chip ${wanted}. Present: ${present}. Name one of them in gpio.chip, or leave gpio.chip at auto on a Raspberry Pi.`,
    { detail: { chip: wanted, present: chips.map(({ label }) => label) } },
  )
}

/** Throws `gpio_failed` when the chip has no such line. */
export function checkLine(chip: Chip, line: number): void {
  if (line < chip.lines) return
  throw new AppError(
    'gpio_failed',
    `${describe(chip)} has the lines 0 to ${chip.lines - 1}; there is no line ${line}. Use the BCM number (GPIO17 is 17), not the number of the pin on the header.`,
  )
}
