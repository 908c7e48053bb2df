import type { FrameExplanation } from '../protocol/explain.ts'

/** One explained frame as a few lines of text. */
export function renderExplanation({ offset, sizeBytes, encoding, header, readings, problems }: FrameExplanation): string {
  const lines = [`byte ${offset}, ${sizeBytes} bytes${encoding === 'plain' ? ', without COBS (as on MQTT)' : ''}`]
  if (header !== undefined) {
    lines.push(`  ${header.name} (0x${header.type.toString(16).padStart(2, '0')})  version ${header.version}  session ${header.session}  seq ${header.seq}  body ${header.bodyBytes} bytes`)
  }
  for (const { direction, message } of readings) {
    const fields = Object.entries(message).filter(([name]) => name !== 'type')
    const shown = fields.map(([name, value]) => `${name}=${render(value)}`).join('  ')
    lines.push(`  ${direction}: ${shown === '' ? 'no fields' : shown}`)
  }
  for (const problem of problems) lines.push(`  ! ${problem}`)
  return `${lines.join('\n')}\n`
}

function render(value: unknown): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (Array.isArray(value)) return `[${value.map(render).join(', ')}]`
  if (typeof value === 'object' && value !== null) return `{${Object.entries(value).map(([name, inner]) => `${name}=${render(inner)}`).join(' ')}}`
  return String(value)
}
