/** What a virtual board is built like. The capability record (SPEC §3.2) follows from it. */
export interface BoardConfig {
  readonly leds: number
  /** 0 = not a matrix. */
  readonly width: number
  readonly height: number
  readonly slots: number
  readonly storageBytes: number
  readonly eraseUnit: number
  readonly maxBody: number
  readonly rxBuffer: number
  readonly window: number
  readonly lineRateBaud: number
  readonly maxBaud: number
  readonly decodeBytes: number
  readonly blockBytes: number
  readonly maxPowerMa: number
  /** Bit per codec number (SPEC §10.5). */
  readonly codecs: number
  /** Bit 0 SHA-256, bit 1 SipHash-2-4-128. */
  readonly digests: number
  /** Bit 0 SipHash-2-4-128, bit 1 HMAC-SHA-256; 0: it cannot be paired (SPEC §9.1). */
  readonly macs: number
  readonly storageNeedsNoErase: boolean
  /** 16 bytes given at the factory; zeros: none, the host assigns one (SPEC §3.4). */
  readonly uuid: Uint8Array
  /** At most 32 bytes of UTF-8 each. */
  readonly firmwareName: string
  readonly firmwareVersion: string
  readonly boardName: string
}

/** A roomy board with a line of 4 Mbaud; geometry and identity are for the caller to state. */
export const defaultBoardConfig: BoardConfig = {
  leds: 256,
  width: 16,
  height: 16,
  slots: 3,
  storageBytes: 4 * 1024 * 1024,
  eraseUnit: 4096,
  maxBody: 4096,
  rxBuffer: 16384,
  window: 16384,
  lineRateBaud: 4_000_000,
  maxBaud: 4_000_000,
  decodeBytes: 16384,
  blockBytes: 65535,
  maxPowerMa: 0,
  codecs: 0b1111,
  digests: 0b11,
  macs: 0b11,
  storageNeedsNoErase: false,
  uuid: new Uint8Array(16),
  firmwareName: 'pixelgate virtual',
  firmwareVersion: '0.1.0',
  boardName: 'virtual board',
}

const TEXT_BYTES = 33

/** Lays the configuration out as the module's `board_config_ptr` has it: 18 u32, the UUID, three C strings. */
export function encodeBoardConfig(config: BoardConfig): Uint8Array {
  const numbers = [
    config.leds,
    config.width,
    config.height,
    config.slots,
    config.storageBytes,
    config.eraseUnit,
    config.maxBody,
    config.rxBuffer,
    config.window,
    config.lineRateBaud,
    config.maxBaud,
    config.decodeBytes,
    config.blockBytes,
    config.maxPowerMa,
    config.codecs,
    config.digests,
    config.storageNeedsNoErase ? 1 : 0,
    config.macs,
  ]
  const texts = [config.firmwareName, config.firmwareVersion, config.boardName]
  const bytes = new Uint8Array(numbers.length * 4 + 16 + texts.length * TEXT_BYTES)
  const view = new DataView(bytes.buffer)
  for (const [i, number] of numbers.entries()) view.setUint32(i * 4, number, true)
  bytes.set(config.uuid.subarray(0, 16), numbers.length * 4)
  for (const [i, text] of texts.entries()) {
    const room = bytes.subarray(numbers.length * 4 + 16 + i * TEXT_BYTES)
    new TextEncoder().encodeInto(text, room.subarray(0, TEXT_BYTES - 1))
  }
  return bytes
}
