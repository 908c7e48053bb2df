import { extname } from 'node:path'
import { AppError } from '../../kernel/errors.ts'
import type { Exporter } from '../../pattern/export/exporter.ts'

export interface ChosenExporter {
  readonly exporter: Exporter
  /** Other formats that files of this name may have. */
  readonly others: readonly string[]
}

/**
 * The format that was asked for, else the one of the file's name. Where several go by that name, it is that of the source if it is one
 * of them, else the first. Throws `usage` with what there is.
 */
export function chooseExporter(
  exporters: readonly Exporter[],
  out: string,
  asked: string | undefined,
  sourceFormat?: string,
): ChosenExporter {
  const names = exporters.map(({ format }) => format).join(', ')
  if (asked !== undefined) {
    const exporter = exporters.find(({ format }) => format.toLowerCase() === asked.toLowerCase())
    if (exporter !== undefined) return { exporter, others: [] }
    throw new AppError('usage', `"${asked}" is no format that can be written; use one of ${names}.`)
  }
  const extension = extname(out).toLowerCase()
  const fitting = exporters.filter(({ extensions }) => extensions.includes(extension))
  const exporter = fitting.find(({ format }) => format === sourceFormat) ?? fitting[0]
  if (exporter === undefined)
    throw new AppError(
      'usage',
      `The name "${out}" says no format that can be written; add --format with one of ${names}.`,
    )
  return { exporter, others: fitting.filter(other => other !== exporter).map(({ format }) => format) }
}
