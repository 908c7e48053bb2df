import { patternId, uuidV7 } from '../../src/kernel/ids.ts'
import type { ArrivingPattern } from '../../src/store/tables/patterns.ts'

/** A file that comes into the database; what is not said is of no importance. */
export const arriving = (fields: Partial<ArrivingPattern> = {}): ArrivingPattern => {
  const fileName = fields.fileName ?? fields.name ?? 'flame.gif'
  return {
    id: patternId(uuidV7(fields.arrivedMs ?? 1)),
    bytes: Buffer.from('GIF89a'),
    name: fileName,
    fileName,
    raw: false,
    tags: [],
    format: 'gif',
    readingJson: '{}',
    factsJson: null,
    thumbnail: null,
    door: 'cli',
    who: null,
    arrivedMs: 1,
    ...fields,
  }
}
