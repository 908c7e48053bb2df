import { readdir, readFile } from 'node:fs/promises'
import { AppError } from '../kernel/errors.ts'
import type { Chip } from './chip-choice.ts'

export const sysfsFolder = '/sys/class/gpio'

export interface SysfsChip extends Chip {
  /** Number of its line 0: sysfs counts over all chips, and a chip does not begin at 0 on newer kernels. */
  readonly base: number
}

/**
 * The chips that sysfs shows: the files label, base and ngpio of each gpiochip*. Rejects with `gpio_failed` where the
 * kernel has no GPIO in sysfs.
 */
export async function listSysfsChips(folder: string): Promise<SysfsChip[]> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw new AppError(
      'gpio_failed',
      `This kernel has no ${folder}: it was built without the old interface. Install the tools instead: sudo apt-get install gpiod`,
      { cause },
    )
  })
  const chips = await Promise.all(
    names.filter(name => /^gpiochip\d+$/.test(name)).map(name => readChip(folder, name)),
  )
  return chips.flatMap(chip => chip ?? [])
}

async function readChip(folder: string, name: string): Promise<SysfsChip | undefined> {
  try {
    const [label, base, lines] = await Promise.all(
      ['label', 'base', 'ngpio'].map(async file =>
        (await readFile(`${folder}/${name}/${file}`, 'utf8')).trim(),
      ),
    )
    const chip = { name, label: label ?? '', base: Number(base), lines: Number(lines) }
    return Number.isInteger(chip.base) && Number.isInteger(chip.lines) ? chip : undefined
  } catch {
    // Went away while it was read.
    return undefined
  }
}
