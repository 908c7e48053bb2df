export interface LatencySummary {
  readonly count: number
  readonly avgMs: number
  readonly minMs: number
  readonly maxMs: number
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
}

/** Each octave of microseconds has so many buckets, so a percentile is off by 3 % at most. */
const bucketsPerOctave = 16
const octaves = 32
const size = bucketsPerOctave * (octaves + 1)

/** Durations in buckets that grow with them (as HdrHistogram's do): 2 KB whatever it is fed, from 1 µs to over an hour. */
export class LatencyHistogram {
  readonly #counts = new Uint32Array(size)
  #count = 0
  #sumMs = 0
  #minMs = Number.POSITIVE_INFINITY
  #maxMs = 0

  get count(): number {
    return this.#count
  }

  record(ms: number): void {
    const value = Math.max(ms, 0)
    const at = bucketOf(value * 1000)
    this.#counts[at] = (this.#counts[at] ?? 0) + 1
    this.#count += 1
    this.#sumMs += value
    if (value < this.#minMs) this.#minMs = value
    if (value > this.#maxMs) this.#maxMs = value
  }

  /** undefined: nothing was recorded, so there is nothing to tell. */
  summary(): LatencySummary | undefined {
    if (this.#count === 0) return undefined
    return {
      count: this.#count,
      avgMs: rounded(this.#sumMs / this.#count),
      minMs: rounded(this.#minMs),
      maxMs: rounded(this.#maxMs),
      p50Ms: rounded(this.percentile(0.5)),
      p95Ms: rounded(this.percentile(0.95)),
      p99Ms: rounded(this.percentile(0.99)),
    }
  }

  /** The value that this share of the durations does not exceed; 0 where there are none. */
  percentile(share: number): number {
    const rank = Math.max(1, Math.ceil(this.#count * share))
    let seen = 0
    for (let at = 0; at < size; at++) {
      seen += this.#counts[at] ?? 0
      if (seen >= rank) return Math.min(this.#maxMs, Math.max(this.#minMs, middleOf(at) / 1000))
    }
    return 0
  }
}

function bucketOf(us: number): number {
  if (us < 1) return 0
  const octave = Math.min(octaves - 1, Math.floor(Math.log2(us)))
  const within = Math.floor((us / 2 ** octave - 1) * bucketsPerOctave)
  return Math.min(size - 1, (octave + 1) * bucketsPerOctave + Math.min(bucketsPerOctave - 1, within))
}

function middleOf(bucket: number): number {
  if (bucket < bucketsPerOctave) return 0.5
  const octave = Math.floor(bucket / bucketsPerOctave) - 1
  return 2 ** octave * (1 + ((bucket % bucketsPerOctave) + 0.5) / bucketsPerOctave)
}

const rounded = (ms: number): number => Math.round(ms * 1000) / 1000
