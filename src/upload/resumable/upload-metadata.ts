import { AppError } from '../../kernel/errors.ts'
import { type NewPattern, newPattern } from '../../wire/pattern-query.ts'

export const maxMetadataBytes = 8 * 1024

/** What clients say of their own accord and nothing here needs. */
const ofNoUse = ['filetype', 'type', 'relativePath']

/**
 * What Upload-Metadata says (tus 1.0.0, creation): keys with base64 of UTF-8, and commas between them. `filename` (or
 * `name`) is the file's name, `tag` may hold several with commas between them; the other keys are those of the query of POST
 * /patterns. Throws `invalid` with every fault.
 */
export function readMetadata(header: string): NewPattern {
  if (header.length > maxMetadataBytes) throw refusal([`has more than ${maxMetadataBytes} bytes`])
  const pairs = new Map<string, string>()
  const text = new TextDecoder('utf-8', { fatal: true })
  for (const member of header.split(',')) {
    if (member.trim() === '' && header.trim() === '') continue
    const [, key, base64 = ''] = /^ *([!-+\-.-~]+)(?: +([A-Za-z0-9+/]*={0,2}))? *$/.exec(member) ?? []
    if (key === undefined)
      throw refusal([`has a part that is no key with base64: ${member.trim().slice(0, 40)}`])
    if (pairs.has(key)) throw refusal([`says ${key} twice`])
    try {
      pairs.set(key, text.decode(Buffer.from(base64, 'base64')))
    } catch {
      throw refusal([`${key}: is no UTF-8`])
    }
  }
  const {
    filename,
    name = filename,
    tag,
    ...rest
  } = Object.fromEntries([...pairs].filter(([key]) => !ofNoUse.includes(key)))
  const said = { ...rest, name: filename ?? name, ...(tag !== undefined && { tag: tag.split(',') }) }
  if (said.name === undefined || said.name === '')
    throw refusal(['filename: is missing; every file has a name'])
  const parsed = newPattern.safeParse(said)
  if (parsed.success) return parsed.data
  throw refusal(
    parsed.error.issues.map(({ path: [key, ...deeper], message }) =>
      [[key === 'name' ? 'filename' : key, ...deeper].filter(part => part !== undefined).join('.'), message]
        .filter(part => part !== '')
        .join(': '),
    ),
  )
}

function refusal(faults: readonly string[]): AppError {
  const errors = faults.map(message => ({ path: 'Upload-Metadata', pointer: '', message }))
  return new AppError('invalid', `Upload-Metadata does not fit: ${faults.join('; ')}`, { detail: { errors } })
}
