import { AppError } from '../kernel/errors.ts'
import type { FlashProgress, FlashTool } from './flash-tool.ts'

/** The ROM's loader goes to this rate after the greeting; every common adapter carries it. */
const baudRate = 460_800
const longestLineChars = 1024

/**
 * esptool 3 to 5. It compares the MD5 of what is in the flash after writing. The image is one whole flash image from address 0 (Arduino's
 * `….merged.bin` of an ESP32, the sketch's `.bin` of an ESP8266).
 */
export const esptool = (chip: 'esp8266' | 'esp32'): FlashTool => ({
  commands: ['esptool', 'esptool.py'],
  // Debian 12 has no package of it.
  install: 'sudo apt-get install pipx && pipx install esptool',
  imageSuffixes: ['.bin'],
  connectMs: 30_000,
  deadlineMs: 600_000,
  argv: ({ port, imageFile }) => [
    ...['--chip', chip, '--port', port, '--baud', String(baudRate)],
    ...['write_flash', '0x0', imageFile],
  ],
  readProgress,
  fault,
})

/** `Writing at 0x00010000... (12 %)`, since version 5 `Writing at 0x00010000 [==>  ]  12.3% 1234/9999 bytes...`. */
const sign = /Chip (?:is|type)|Writing at 0x[0-9a-f]+[^%\r\n]*?(\d+(?:\.\d+)?) ?%|Hash of data verified/gi

function readProgress(): (text: string) => readonly FlashProgress[] {
  let rest = ''
  return text => {
    rest += text
    const found = [...rest.matchAll(sign)]
    const last = found.at(-1)
    rest = rest.slice(last === undefined ? 0 : last.index + last[0].length).slice(-longestLineChars)
    return found.map(([words, percent]) => {
      if (percent !== undefined) return { phase: 'writing', share: Math.min(1, Number(percent) / 100) }
      return { phase: words.startsWith('Chip') ? 'connecting' : 'verifying', share: 1 }
    })
  }
}

function fault(said: string, label: string, port: string): AppError {
  if (/MD5 of file does not match|verify failed/i.test(said))
    return new AppError(
      'verification_failed',
      `What is in the flash of the ${label} on ${port} is not what was written. Run the command again.`,
    )
  if (/this chip is|wrong --chip|unexpected chip/i.test(said))
    return new AppError('board_refused', `The chip on ${port} is no ${label}. Give its own --kind.`)
  if (
    /not responding|failed to connect|no serial data received|invalid head of packet|timed out waiting/i.test(
      said,
    )
  )
    return new AppError(
      'board_mute',
      `The ${label} on ${port} does not go into its loader. Hold BOOT (GPIO0 to ground), press reset, and run the command again.`,
    )
  const words = said
    .split(/[\r\n]+/)
    .map(line => line.trim())
    .filter(line => line !== '')
  return new AppError('link_failed', `esptool failed: ${words.slice(-2).join(' ') || 'without a word'}`)
}
