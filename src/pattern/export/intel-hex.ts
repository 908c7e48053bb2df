import { fail, ok } from '../../kernel/result.ts'
import { defaultLimits } from '../limits.ts'
import { dimExporter } from './bin-dim.ts'
import { rawExporter } from './bin-headerless.ts'
import { stdExporter } from './bin-std.ts'
import type { Exporter } from './exporter.ts'
import { intelHexRecords, intelHexSize } from './intel-hex-records.ts'

/** The file that `inner` writes, as Intel HEX from address 0; heeds what that heeds. */
const hexOf = (inner: Exporter, parts: Omit<Exporter, 'write'>): Exporter => ({
  ...parts,
  write: (pattern, options) => {
    const written = inner.write(pattern, options)
    if (!written.ok) return written
    const { bytes, notes } = written.value
    const sizeBytes = intelHexSize(bytes.length)
    if (sizeBytes <= defaultLimits.maxFileBytes) return ok({ bytes: intelHexRecords(bytes), notes })
    const message = `the Intel HEX file would have ${sizeBytes} bytes, and ${defaultLimits.maxFileBytes} can be read again; write ${inner.format} instead`
    return fail({ kind: 'does_not_fit', message })
  },
})

export const hexExporter = hexOf(stdExporter, {
  format: 'hex',
  extensions: ['.hex', '.ihex'],
  summary: 'Intel HEX of an STD file, for programmers of flash',
})

export const hexDimExporter = hexOf(dimExporter, {
  format: 'hex-dim',
  extensions: ['.hex', '.ihex'],
  summary: 'Intel HEX of a DIM file, with width and height',
})

export const hexRawExporter = hexOf(rawExporter, {
  format: 'hex-raw',
  extensions: ['.hex', '.ihex'],
  summary: 'Intel HEX of the pixels alone, without header and times',
})
