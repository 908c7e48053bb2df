import type { PatternFault } from '../fault.ts'
import type { ExportOptions } from './exporter.ts'

/** Why a format of rows and columns cannot do what the options ask for; undefined when it can. */
export function refusedLayout(format: string, { map, colorOrder }: ExportOptions): PatternFault | undefined {
  const refused = (what: string) => ({
    kind: 'bad_request' as const,
    message: `${format} files are pictures and have no ${what} of their own; leave it out, or write a format for strips`,
  })
  if (map !== undefined) return refused('wiring')
  if (colorOrder !== undefined && colorOrder.toUpperCase() !== 'RGB') return refused('colour order')
  return undefined
}
