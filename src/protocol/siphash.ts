/**
 * SipHash-2-4 with 128 bits of output (Aumasson & Bernstein, reference implementation `siphash.c`).
 * @param key 16 bytes
 * @returns 16 bytes
 */
export function sipHash128(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  if (key.length !== 16) throw new RangeError(`a SipHash key has 16 bytes, not ${key.length}`)
  const keyView = new DataView(key.buffer, key.byteOffset, 16)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const state = initialState(keyView)
  const whole = bytes.length & ~7
  for (let at = 0; at < whole; at += 8) absorb(state, view.getUint32(at, true), view.getUint32(at + 4, true))
  const last = new Uint8Array(8)
  last.set(bytes.subarray(whole))
  last[7] = bytes.length
  const lastView = new DataView(last.buffer)
  absorb(state, lastView.getUint32(0, true), lastView.getUint32(4, true))

  const digest = new DataView(new ArrayBuffer(16))
  for (const [half, tweak] of [0xee, 0xdd].entries()) {
    const lane = half === 0 ? 4 : 2
    state[lane] = word(state, lane) ^ tweak
    rounds(state, 4)
    digest.setUint32(8 * half, word(state, 0) ^ word(state, 2) ^ word(state, 4) ^ word(state, 6), true)
    digest.setUint32(8 * half + 4, word(state, 1) ^ word(state, 3) ^ word(state, 5) ^ word(state, 7), true)
  }
  return new Uint8Array(digest.buffer)
}

/** v0 … v3, each as low and high 32 bits. */
type State = Int32Array

const word = (state: State, index: number) => state[index] as number

function initialState(key: DataView): State {
  const [k0l, k0h, k1l, k1h] = [0, 4, 8, 12].map(at => key.getUint32(at, true)) as [
    number,
    number,
    number,
    number,
  ]
  return Int32Array.of(
    k0l ^ 0x70736575,
    k0h ^ 0x736f6d65,
    k1l ^ 0x6e646f6d ^ 0xee,
    k1h ^ 0x646f7261,
    k0l ^ 0x6e657261,
    k0h ^ 0x6c796765,
    k1l ^ 0x79746573,
    k1h ^ 0x74656462,
  )
}

function absorb(state: State, low: number, high: number): void {
  state[6] = word(state, 6) ^ low
  state[7] = word(state, 7) ^ high
  rounds(state, 2)
  state[0] = word(state, 0) ^ low
  state[1] = word(state, 1) ^ high
}

function rounds(state: State, count: number): void {
  let [v0l, v0h, v1l, v1h, v2l, v2h, v3l, v3h] = state as unknown as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  for (let round = 0; round < count; round++) {
    let low = (v0l >>> 0) + (v1l >>> 0)
    v0h = (v0h + v1h + (low > 0xffffffff ? 1 : 0)) | 0
    v0l = low | 0
    let turn = (v1l << 13) | (v1h >>> 19)
    v1h = ((v1h << 13) | (v1l >>> 19)) ^ v0h
    v1l = turn ^ v0l
    turn = v0l
    v0l = v0h
    v0h = turn

    low = (v2l >>> 0) + (v3l >>> 0)
    v2h = (v2h + v3h + (low > 0xffffffff ? 1 : 0)) | 0
    v2l = low | 0
    turn = (v3l << 16) | (v3h >>> 16)
    v3h = ((v3h << 16) | (v3l >>> 16)) ^ v2h
    v3l = turn ^ v2l

    low = (v0l >>> 0) + (v3l >>> 0)
    v0h = (v0h + v3h + (low > 0xffffffff ? 1 : 0)) | 0
    v0l = low | 0
    turn = (v3l << 21) | (v3h >>> 11)
    v3h = ((v3h << 21) | (v3l >>> 11)) ^ v0h
    v3l = turn ^ v0l

    low = (v2l >>> 0) + (v1l >>> 0)
    v2h = (v2h + v1h + (low > 0xffffffff ? 1 : 0)) | 0
    v2l = low | 0
    turn = (v1l << 17) | (v1h >>> 15)
    v1h = ((v1h << 17) | (v1l >>> 15)) ^ v2h
    v1l = turn ^ v2l
    turn = v2l
    v2l = v2h
    v2h = turn
  }
  state[0] = v0l
  state[1] = v0h
  state[2] = v1l
  state[3] = v1h
  state[4] = v2l
  state[5] = v2h
  state[6] = v3l
  state[7] = v3h
}
