import { existsSync } from 'node:fs'

const onPath = (name: string): boolean =>
  (process.env['PATH'] ?? '').split(':').some(folder => existsSync(`${folder}/${name}`))

const packages: Readonly<Record<string, () => boolean>> = {
  'gcc-avr': () => onPath('avr-gcc'),
  'avr-libc': () => existsSync('/usr/lib/avr/include/avr/io.h'),
  'arduino-core-avr': () => existsSync('/usr/share/arduino/hardware/arduino/avr/boards.txt'),
  'libsimavr-dev': () => existsSync('/usr/include/simavr/sim_avr.h'),
  'libelf-dev': () => existsSync('/usr/include/libelf.h'),
  'qemu-system-arm': () => onPath('qemu-system-arm'),
  'gcc-arm-none-eabi': () => onPath('arm-none-eabi-gcc'),
  avrdude: () => onPath('avrdude'),
}

/** For `t.test` options: which of these packages are missing, in words, or false. */
export const without = (...names: readonly string[]): string | false => {
  const missing = names.filter(name => packages[name]?.() !== true)
  return missing.length > 0 && `needs the packages ${missing.join(', ')}`
}
