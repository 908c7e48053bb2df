import { messageName } from './message-name.ts'

/** SPEC §2.6. */
export const errorCodes = {
  UNSUPPORTED: 1,
  BAD_LENGTH: 2,
  BAD_STATE: 3,
  NO_SESSION: 4,
  NO_TRANSFER: 5,
  BAD_MANIFEST: 6,
  TOO_LARGE: 7,
  BAD_GEOMETRY: 8,
  UNKNOWN_CODEC: 9,
  DECODE_MEMORY: 10,
  NO_SLOT: 11,
  STORAGE: 12,
  BLOCK_CRC: 13,
  DIGEST: 14,
  NOT_VERIFIED: 15,
  BUSY: 16,
  BAD_ARGUMENT: 17,
  NOT_FOUND: 18,
  OLD_GENERATION: 19,
  UNAUTHORIZED: 20,
  BAD_VERSION: 21,
} as const

export type ErrorName = keyof typeof errorCodes

const names = new Map(Object.entries(errorCodes).map(([name, code]) => [code as number, name as ErrorName]))

/** Name of an ERR code; undefined when this version knows none. */
export const errorName = (code: number): ErrorName | undefined => names.get(code)

const explanations: Readonly<Record<ErrorName, (detail: number) => string>> = {
  UNSUPPORTED: () => 'The board does not know this request. Update its firmware if you need it.',
  BAD_LENGTH: detail =>
    `The board expected ${detail} bytes in the request. Its firmware speaks another dialect; update the board or the gateway.`,
  BAD_STATE: () => 'The board cannot do this in its present state. Look at its status and try again.',
  NO_SESSION: () =>
    'The board has restarted or answers somebody else. The gateway greets it again by itself; make sure that no other program uses the port.',
  NO_TRANSFER: () =>
    'No transfer is open on the board. Start the upload again; what the board holds is not sent twice.',
  BAD_MANIFEST: detail =>
    `The board refuses the description of the pattern (byte ${detail}). Compile the pattern again; if that does not help, update the firmware.`,
  TOO_LARGE: detail =>
    `The pattern does not fit: a slot of the board holds ${detail} KiB. Use fewer frames or fewer colours, or another board.`,
  BAD_GEOMETRY: detail =>
    `The pattern has more LEDs than the board, which has ${detail}. Compile it for this board.`,
  UNKNOWN_CODEC: detail =>
    `The board cannot decode codec ${detail}. Compile the pattern again for this board, or update its firmware.`,
  DECODE_MEMORY: detail =>
    `A block of the pattern needs more memory than the ${detail === 0xffff ? '65,535 or more' : detail} bytes the board has for decoding. Compile it again for this board.`,
  NO_SLOT: () => 'All slots of the board are in use. Delete a stored pattern, then upload again.',
  STORAGE: () =>
    'The board could not read or write its storage. Restart it and try again; if it happens again, its memory chip or card is failing.',
  BLOCK_CRC: detail =>
    `Block ${detail} arrived damaged or was not stored as sent. The gateway sends it again by itself; if it happens often, check cable and memory.`,
  DIGEST: () =>
    'What the board stores is not what was sent. The gateway sends everything again once; if it happens again, the memory of the board is failing.',
  NOT_VERIFIED: () => 'The pattern in this slot is not complete and verified. Upload it first.',
  BUSY: detail => `The board is busy with its storage. Try again in ${detail} ms.`,
  BAD_ARGUMENT: detail =>
    `The board refuses a value of the request (byte ${detail}). Check what you asked for against its capabilities.`,
  NOT_FOUND: () => 'The board has no such pattern or slot. List its patterns and choose one of them.',
  OLD_GENERATION: () =>
    'The board already holds a newer pattern from its gateway. Upload from that gateway, or pair the board again.',
  UNAUTHORIZED: () => 'The board does not trust this gateway. Pair them first.',
  BAD_VERSION: detail =>
    `The board speaks protocol version ${detail} at most. Update the firmware of the board, or the gateway.`,
}

/** What an ERR means and what to do about it, in plain words. */
export function explainError(code: number, detail: number): string {
  const name = errorName(code)
  if (name === undefined)
    return `The board reports error ${code}, which this gateway does not know. Update the gateway.`
  return explanations[name](detail)
}

/** An ERR in one line: `TOO_LARGE for BEGIN (detail 128): …`. */
export function describeError(code: number, requestType: number, detail: number): string {
  const request = messageName(requestType) ?? `type 0x${requestType.toString(16).padStart(2, '0')}`
  return `${errorName(code) ?? `error ${code}`} for ${request} (detail ${detail}): ${explainError(code, detail)}`
}
