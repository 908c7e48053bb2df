import { basename } from 'node:path'
import { AppError, exitStatus } from '../../kernel/errors.ts'
import type { StoredPatternView } from '../../wire/pattern.ts'
import type { Command, OptionValues, Surroundings } from '../command.ts'
import type { ControlClient } from '../control-client.ts'
import { controlClient, daemonOptions } from '../local-config.ts'
import { readingFrom, readingOptions } from '../open-pattern.ts'
import { flag, text, texts } from '../option-values.ts'
import { framesWords, sizeWords } from '../pattern-words.ts'
import { query } from '../query.ts'
import { readPatternFile } from '../read-pattern-file.ts'

const mostFiles = 1000

export const patternImport: Command = {
  name: 'pattern import',
  summary: 'Keep pattern files in the gateway; the same file again is the same pattern',
  operands: 'FILE...',
  operandCount: [1, mostFiles],
  options: {
    tag: { type: 'string', multiple: true, value: 'T', help: 'a tag; may be given several times' },
    name: { type: 'string', value: 'N', help: 'what to call it; default: the name of the file' },
    ...readingOptions,
    raw: { type: 'boolean', help: 'keep any file as opaque bytes' },
    json: { type: 'boolean', help: 'JSON lines, one a file' },
    ...daemonOptions,
  },
  examples: [
    'pixelgate pattern import fire.leds --tag winter',
    'pixelgate pattern import old.bin --leds 75 --candidate 0 --name "Old sign"',
    'pixelgate pattern import *.gif --tag party --json',
  ],
  async run(files, options, surroundings) {
    if (files.length > 1 && text(options, 'name') !== undefined)
      throw new AppError('usage', '--name goes with one file. Import the others by themselves.')
    const client = await controlClient(options, surroundings)
    let status = 0
    for (const file of files) {
      if (surroundings.signal.aborted) throw new AppError('cancelled', 'Interrupted.')
      try {
        await importFile(file, options, client, surroundings)
      } catch (thrown) {
        // One file alone fails as every command does; of several each is told, and the others are taken in.
        if (!(thrown instanceof AppError) || files.length === 1 || thrown.code === 'daemon_unreachable')
          throw thrown
        tellFailure(file, thrown, options, surroundings)
        status ||= exitStatus(thrown.code)
      }
    }
    return status
  },
}

async function importFile(
  file: string,
  options: OptionValues,
  client: ControlClient,
  { stdout }: Surroundings,
): Promise<void> {
  const bytes = await readPatternFile(file)
  const asked = query({
    name: basename(file),
    as: text(options, 'name'),
    tag: texts(options, 'tag'),
    raw: flag(options, 'raw') || undefined,
    import: true,
    ...readingFrom(options),
  })
  const { value, status } = await client.putFile<StoredPatternView>(`/patterns${asked}`, bytes)
  const created = status === 201
  if (flag(options, 'json')) {
    stdout.write(`${JSON.stringify({ event: 'stored', file, created, ...value })}\n`)
    return
  }
  const { pattern, candidates } = value
  const what = [pattern.format, sizeWords(pattern), framesWords(pattern)]
    .filter(words => words !== '')
    .join(', ')
  const version = pattern.version > 1 ? ` version ${pattern.version}` : ''
  stdout.write(
    `${pattern.name}${version}: ${created ? 'stored' : 'was here already'} as ${pattern.id} (${what})\n`,
  )
  if (pattern.ambiguous)
    stdout.write(
      `  It can be read in ${candidates.length} ways. Look: pixelgate pattern inspect ${file}, then import it again with --candidate N.\n`,
    )
}

function tellFailure(
  file: string,
  { code, message, detail }: AppError,
  options: OptionValues,
  { stdout, stderr }: Surroundings,
): void {
  if (flag(options, 'json'))
    stdout.write(`${JSON.stringify({ event: 'failed', file, code, message, ...(detail && { detail }) })}\n`)
  else stderr.write(`pixelgate: ${file}: ${message}\n`)
}
