import type { z } from 'zod'
import { AppError } from '../kernel/errors.ts'
import { liveRequest } from '../wire/live.ts'

export type LiveCommand = z.output<typeof liveRequest>

/** Faults of a request that are told; a message of 64 topics may have 64. */
const maxFaults = 3

/** A client's message, or what is wrong with it. */
export function readRequest(text: string): LiveCommand | AppError {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return new AppError('usage', 'This message is no JSON.')
  }
  const parsed = liveRequest.safeParse(json)
  if (parsed.success) return parsed.data
  const faults = parsed.error.issues.slice(0, maxFaults)
  const words = faults.map(({ path, message }) => [...path, message].join(': '))
  return new AppError('usage', `This message does not fit: ${words.join('; ')}`)
}
