import { avrdude } from './avrdude.ts'
import { esptool } from './esptool.ts'
import type { FlashTool } from './flash-tool.ts'

/** What `board flash` can put firmware on. */
export interface BoardKind {
  readonly name: string
  /** What people call it. */
  readonly label: string
  readonly tool: FlashTool
  /** Image that comes with the program; undefined: the user brings one. */
  readonly image: string | undefined
  /** What the firmware does not answer without, in a sentence; absent: nothing. */
  readonly wants?: string
}

/** Optiboot and its forerunners: STK500 at the bootloader's own rate. */
const uno = (name: string, label: string, image: string, baudRate = 115_200): BoardKind => ({
  name,
  label,
  tool: avrdude({ part: 'm328p', programmer: 'arduino', baudRate }),
  image,
})

const mega = (name: string, label: string, image: string): BoardKind => ({
  name,
  label,
  tool: avrdude({ part: 'm2560', programmer: 'wiring', baudRate: 115_200 }),
  image,
})

const blinks = 'without it, its light blinks five times a second'
const spiFlash = `It wants its SPI flash: ${blinks}.`
const card = `It wants an SD card with a partition of type 7F (docs/boards.md, SD cards): ${blinks}.`

export const boardKinds: readonly BoardKind[] = [
  uno('uno', 'Arduino Uno', 'uno.hex'),
  { ...uno('uno-nor', 'Arduino Uno with SPI flash', 'uno-nor.hex'), wants: spiFlash },
  uno('nano', 'Arduino Nano', 'uno.hex'),
  uno('nano-old', 'Arduino Nano with the old bootloader', 'uno.hex', 57_600),
  mega('mega', 'Arduino Mega 2560', 'mega.hex'),
  { ...mega('mega-nor', 'Arduino Mega 2560 with SPI flash', 'mega-nor.hex'), wants: spiFlash },
  { ...mega('mega-sd', 'Arduino Mega 2560 with an SD card', 'mega-sd.hex'), wants: card },
  { name: 'esp8266', label: 'ESP8266', tool: esptool('esp8266'), image: undefined },
  { name: 'esp32', label: 'ESP32', tool: esptool('esp32'), image: undefined },
]
