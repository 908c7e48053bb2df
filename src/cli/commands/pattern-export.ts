import { open, rm } from 'node:fs/promises'
import { extname } from 'node:path'
import { AppError, toError } from '../../kernel/errors.ts'
import { exporters } from '../../pattern/export/exporters.ts'
import type { PatternDetails } from '../../wire/pattern.ts'
import type { Command } from '../command.ts'
import { controlClient, daemonOptions } from '../local-config.ts'
import { readingFrom, readingOptions } from '../open-pattern.ts'
import { flag, text } from '../option-values.ts'
import { formatBytes } from '../progress-bar.ts'
import { query } from '../query.ts'

export const patternExport: Command = {
  name: 'pattern export',
  summary: 'Write a stored pattern to a file, as it came in or in another format',
  operands: 'ID|NAME OUT',
  operandCount: [2, 2],
  options: {
    format: {
      type: 'string',
      value: 'F',
      help: 'the format to write; default: by the ending of OUT where it is another one than that of the file',
    },
    'color-order': { type: 'string', value: 'ORDER', help: 'for formats that do not say it; default RGB' },
    ...readingOptions,
    force: { type: 'boolean', help: 'write over a file that is there' },
    json: { type: 'boolean', help: 'JSON' },
    ...daemonOptions,
  },
  examples: [
    'pixelgate pattern export fire.leds copy.leds',
    'pixelgate pattern export 0190a3c2 fire.out --format std',
  ],
  async run([id = '', out = ''], options, surroundings) {
    const client = await controlClient(options, surroundings)
    const { pattern } = await client.get<PatternDetails>(`/patterns/${encodeURIComponent(id)}`)
    const format = text(options, 'format') ?? formatOf(out, pattern.fileName)
    const how = { format, colorOrder: text(options, 'color-order'), ...readingFrom(options) }
    const path = format === undefined ? 'file' : `export${query(how)}`
    const bytes = await client.getBytes(`/patterns/${pattern.id}/${path}`)
    await writeFile(out, bytes, flag(options, 'force'))
    const written = { path: out, format: format ?? pattern.format, sizeBytes: bytes.length }
    surroundings.stdout.write(
      flag(options, 'json')
        ? `${JSON.stringify(written)}\n`
        : `${out}: ${formatBytes(bytes.length)}, ${format === undefined ? 'as it came in' : format}\n`,
    )
    return 0
  },
}

/** undefined: the file itself is what is asked for. */
function formatOf(out: string, fileName: string): string | undefined {
  const ending = extname(out).toLowerCase()
  if (ending === extname(fileName).toLowerCase()) return undefined
  return exporters.find(({ extensions }) => extensions.includes(ending))?.format
}

async function writeFile(path: string, bytes: Uint8Array, force: boolean): Promise<void> {
  try {
    const handle = await open(path, force ? 'w' : 'wx')
    try {
      await handle.writeFile(bytes)
    } catch (thrown) {
      if (!force) await rm(path, { force: true })
      throw thrown
    } finally {
      await handle.close()
    }
  } catch (thrown) {
    const cause = toError(thrown)
    const code = 'code' in cause ? cause.code : undefined
    if (code === 'EEXIST')
      throw new AppError('conflict', `${path} is there already. Choose another name, or add --force.`, {
        cause,
      })
    throw new AppError('file_missing', `${path} cannot be written: ${cause.message}`, { cause })
  }
}
