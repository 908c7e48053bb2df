import type { FrameExplanation, Reading } from '../protocol/explain.ts'

const longestHexBytes = 32

/** An explanation as lines for a terminal: what it is, what it says, what is wrong with it. */
export function explanationLines(explanation: FrameExplanation): string[] {
  const { offset, sizeBytes, encoding, header, readings, problems } = explanation
  const place = `bytes ${offset} … ${offset + sizeBytes - 1}${encoding === 'plain' ? ', without COBS' : ''}`
  const title =
    header === undefined
      ? `no frame (${place})`
      : `${header.name} (0x${header.type.toString(16).padStart(2, '0')}), session ${header.session}, seq ${header.seq}, body of ${header.bodyBytes} bytes (${place})`
  return [
    title,
    ...readings.flatMap(readingLines).map(line => `  ${line}`),
    ...problems.map(problem => `  wrong: ${problem}`),
  ]
}

function readingLines({ direction, message, note, caps }: Reading): string[] {
  const { type: _, ...fields } = message
  const lines = [`${direction}:`, ...fieldLines(fields)]
  if (note !== undefined) lines.push(`  ${note}`)
  if (caps !== undefined) lines.push('  capabilities:', ...fieldLines(caps).map(line => `  ${line}`))
  return lines
}

const fieldLines = (fields: object): string[] =>
  Object.entries(fields).map(([name, value]) => `  ${name}: ${valueText(value)}`)

function valueText(value: unknown): string {
  if (value instanceof Uint8Array) {
    const hex = Buffer.from(value.subarray(0, longestHexBytes)).toString('hex')
    return value.length > longestHexBytes ? `${hex}… (${value.length} bytes)` : hex || '(empty)'
  }
  if (Array.isArray(value)) return value.map(valueText).join('; ') || '(none)'
  if (typeof value === 'object' && value !== null)
    return Object.entries(value)
      .map(([name, field]) => `${name} ${valueText(field)}`)
      .join(', ')
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  return String(value)
}
