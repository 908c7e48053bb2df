import { AppError } from '../../kernel/errors.ts'
import { explainFrame } from '../../protocol/explain.ts'
import type { Command } from '../command.ts'
import { explanationLines } from '../explanation-lines.ts'
import { flag } from '../option-values.ts'

export const decode: Command = {
  name: 'decode',
  summary: 'Explain raw bytes of the board protocol',
  operands: 'HEX',
  operandCount: [1, 64],
  options: { json: { type: 'boolean', help: 'JSON' } },
  examples: ['pixelgate decode 0845010100a1b2c3d400', 'pixelgate decode --json "07 05 45 01 00 00"'],
  async run(operands, options, { stdout }) {
    const hex = operands.join('').replaceAll(/[\s:,]|0x/gi, '')
    if (hex === '' || hex.length % 2 === 1 || !/^[0-9a-f]+$/i.test(hex))
      throw new AppError('usage', 'HEX takes pairs of hexadecimal digits, such as 0845.')
    const frames = explainFrame(Buffer.from(hex, 'hex'))
    const lines =
      frames.length > 0
        ? frames.flatMap(explanationLines)
        : ['no frame: only the zero bytes that stand between frames']
    stdout.write(flag(options, 'json') ? `${JSON.stringify({ frames })}\n` : `${lines.join('\n')}\n`)
    return 0
  },
}
