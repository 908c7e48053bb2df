import { AppError } from '../../kernel/errors.ts'
import type { JobView } from '../../wire/job.ts'
import type { Command } from '../command.ts'
import { controlClient, daemonOptions } from '../local-config.ts'
import { flag, whole } from '../option-values.ts'
import { formatBytes } from '../progress-bar.ts'
import { ago, textTable } from '../text-table.ts'

const verbs = ['pause', 'resume', 'cancel']

export const jobs: Command = {
  name: 'jobs',
  summary: 'List uploads, newest first; pause, resume or cancel one',
  operands: '[pause|resume|cancel ID]',
  operandCount: [0, 2],
  options: {
    limit: { type: 'string', value: 'N', help: 'how many; default 20' },
    json: { type: 'boolean', help: 'JSON' },
    ...daemonOptions,
  },
  examples: ['pixelgate jobs', 'pixelgate jobs cancel 0190a3c2-…'],
  async run([verb, id], options, surroundings) {
    const client = await controlClient(options, surroundings)
    const { stdout } = surroundings
    if (verb !== undefined) {
      if (!verbs.includes(verb) || id === undefined)
        throw new AppError('usage', 'Write: pixelgate jobs pause|resume|cancel ID')
      const { job } = await client.post<{ job: JobView }>(`/jobs/${encodeURIComponent(id)}/${verb}`)
      stdout.write(flag(options, 'json') ? `${JSON.stringify({ job })}\n` : `${job.name}: ${job.state}\n`)
      return 0
    }
    const page = await client.get<{ jobs: readonly JobView[]; total: number }>(
      `/jobs?limit=${whole(options, 'limit', 1, 100) ?? 20}`,
    )
    if (flag(options, 'json')) stdout.write(`${JSON.stringify(page)}\n`)
    else if (page.jobs.length === 0) stdout.write('No uploads yet. Try: pixelgate upload FILE --board NAME\n')
    else
      stdout.write(
        textTable(
          ['state', 'file', 'board', 'blocks', 'size', 'changed', 'id', 'message'],
          page.jobs.map(row),
        ),
      )
    return 0
  },
}

const row = (job: JobView): string[] => [
  job.state,
  job.name,
  job.boardId.slice(0, 8),
  job.blocks === 0 ? '' : `${job.durableBlocks}/${job.blocks}`,
  job.imageBytes === 0 ? '' : formatBytes(job.imageBytes),
  ago(job.updatedAt),
  job.id,
  job.errorMessage ?? '',
]
