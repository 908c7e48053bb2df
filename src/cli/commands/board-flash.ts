import { boardKinds } from '../../flash/board-kinds.ts'
import { firmwareImage } from '../../flash/firmware-image.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Command } from '../command.ts'
import { flashBoard } from '../flash-board.ts'
import { FlashEvents } from '../flash-events.ts'
import { daemonOptions, localConfig } from '../local-config.ts'
import { flag, text, whole } from '../option-values.ts'
import { withPort } from '../with-port.ts'

const defaultBaudRate = 115_200
const kindNames = boardKinds.map(({ name }) => name).join(', ')

export const boardFlash: Command = {
  name: 'board flash',
  summary: 'Put the firmware on a board: written by its bootloader, read back, started and greeted',
  operands: '',
  operandCount: [0, 0],
  options: {
    port: {
      type: 'string',
      value: 'DEV',
      help: 'serial port of the board; the daemon lends it if it has it',
    },
    kind: { type: 'string', value: 'KIND', help: kindNames },
    image: {
      type: 'string',
      value: 'FILE',
      help: 'own firmware instead of that which comes with the program',
    },
    baud: { type: 'string', value: 'N', help: 'rate of the own firmware, for the greeting; default 115200' },
    ...daemonOptions,
    json: { type: 'boolean', help: 'JSON lines' },
  },
  examples: [
    'pixelgate board flash --port /dev/ttyACM0 --kind uno',
    'pixelgate board flash --port /dev/ttyUSB0 --kind esp32 --image build/esp32.merged.bin',
  ],
  async run(_operands, options, surroundings) {
    const port = text(options, 'port')
    const kind = boardKinds.find(({ name }) => name === text(options, 'kind'))
    if (port === undefined)
      throw new AppError('usage', 'Say where the board is: --port DEV. See: pixelgate ports')
    if (kind === undefined)
      throw new AppError('usage', `Say what board it is: --kind takes one of ${kindNames}.`)
    const baudRate = whole(options, 'baud', 300, 20_000_000) ?? defaultBaudRate
    const image = await firmwareImage(kind, text(options, 'image'))
    const events = new FlashEvents(surroundings, flag(options, 'json'), { kind, image, port })
    const { signal } = surroundings
    const { controlSocket } = await localConfig(options, surroundings)
    await withPort(controlSocket, port, async lent => {
      if (lent) events.lent()
      const board = await flashBoard({
        ...{ kind, image, port, baudRate, signal },
        onProgress: progress => events.progress(progress),
      })
      events.done(board, lent)
    })
    return 0
  },
}
