import { AppError } from '../../kernel/errors.ts'
import type { ArrivalView, PatternDetails, PatternsView, PatternView } from '../../wire/pattern.ts'
import type { BoardFit, PatternFitView } from '../../wire/pattern-fit.ts'
import type { Command } from '../command.ts'
import { controlClient, daemonOptions } from '../local-config.ts'
import { readingFrom, readingOptions } from '../open-pattern.ts'
import { flag } from '../option-values.ts'
import { framesWords, sizeWords } from '../pattern-words.ts'
import { formatBytes } from '../progress-bar.ts'
import { query } from '../query.ts'
import { ago, textTable } from '../text-table.ts'

const mostVersions = 100

export const patternShow: Command = {
  name: 'pattern show',
  summary: 'Show a stored pattern: facts, versions, where it came from, and which boards it fits',
  operands: 'ID|NAME',
  operandCount: [1, 1],
  options: {
    ...readingOptions,
    json: { type: 'boolean', help: 'one JSON object' },
    ...daemonOptions,
  },
  examples: ['pixelgate pattern show fire.leds', 'pixelgate pattern show 0190a3c2 --json'],
  async run([id = ''], options, surroundings) {
    const client = await controlClient(options, surroundings)
    const details = await client.get<PatternDetails>(`/patterns/${encodeURIComponent(id)}`)
    const { pattern, provenance } = details
    const path = `/patterns/${pattern.id}`
    const { patterns: versions } = await client.get<PatternsView>(
      `${path}/versions${query({ limit: mostVersions })}`,
    )
    const { boards, trouble } = await client
      .get<PatternFitView>(`${path}/fit${query({ ...readingFrom(options) })}`)
      .then(
        fit => ({ boards: fit.boards, trouble: undefined }),
        (thrown: unknown) => {
          // What is stored can be shown, though nobody can say yet how it would look.
          if (!(thrown instanceof AppError) || !thrown.code.startsWith('file_')) throw thrown
          const { code, message } = thrown
          return { boards: [], trouble: { code, message } }
        },
      )
    const { stdout } = surroundings
    if (flag(options, 'json'))
      stdout.write(
        `${JSON.stringify({ pattern, provenance, versions, boards, ...(trouble && { trouble }) })}\n`,
      )
    else {
      stdout.write(`${facts(pattern)}\n${versionLines(versions)}\n${arrivals(provenance)}\n`)
      stdout.write(trouble === undefined ? fitLines(boards) : `Boards: ${trouble.message}\n`)
    }
    return 0
  },
}

function facts(pattern: PatternView): string {
  const reading = Object.entries(pattern.reading).map(([key, value]) => `${key} ${value}`)
  const lines = [
    ['name', pattern.name],
    ['id', pattern.id],
    ['version', `${pattern.version}${pattern.latest ? '' : ' (a newer one is stored)'}`],
    ['tags', pattern.tags.join(', ')],
    ['format', pattern.format],
    ['size', [sizeWords(pattern), framesWords(pattern)].filter(words => words !== '').join(', ')],
    ['reading', reading.join(', ')],
    ['file', `${pattern.fileName}, ${formatBytes(pattern.sizeBytes)}`],
    ['sha-256', pattern.sha256],
  ]
  return lines
    .filter(([, value]) => value !== '')
    .map(([key = '', value]) => `${key.padEnd(8)} ${value}\n`)
    .join('')
}

const versionLines = (versions: readonly PatternView[]): string =>
  textTable(
    ['version', 'id', 'format', 'size', 'bytes', 'stored'],
    versions.map(pattern => [
      String(pattern.version),
      pattern.id,
      pattern.format,
      sizeWords(pattern),
      formatBytes(pattern.sizeBytes),
      ago(pattern.createdAt),
    ]),
  )

const arrivals = (provenance: readonly ArrivalView[]): string =>
  textTable(
    ['came', 'as', 'by', 'who'],
    provenance.map(({ arrivedAt, fileName, door, who }) => [ago(arrivedAt), fileName, door, who ?? '']),
  )

function fitLines(boards: readonly BoardFit[]): string {
  if (boards.length === 0) return 'No board has been seen yet, so there is nothing to fit.\n'
  const rows = boards.map(({ name, fits, overKb, neededBytes, slotBytes, peakMa, capMa }) => [
    name,
    fits ? 'fits' : overKb > 0 ? `over by ${overKb} KB after compression` : 'does not fit',
    neededBytes === null || slotBytes === null
      ? ''
      : `${formatBytes(neededBytes)} of ${formatBytes(slotBytes)}`,
    peakMa === null
      ? ''
      : `${(peakMa / 1000).toFixed(2)} A${capMa === null ? '' : ` of ${(capMa / 1000).toFixed(2)} A`}`,
  ])
  const why = boards.flatMap(({ name, problems, advice }) =>
    [...problems, ...advice].map(({ message }) => `${name}: ${message}\n`),
  )
  return `${textTable(['board', 'fit', 'slot', 'current'], rows)}${why.join('')}`
}
