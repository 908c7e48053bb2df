import type { Principal } from '../account/principal.ts'

const latestOnly: ReadonlySet<string> = new Set(['progress', 'preview', 'metrics', 'typing'])

/** `jobs/ID` is a topic of the kind `jobs`. */
export const topicKind = (topic: string): string => topic.split('/', 1)[0] ?? topic

/**
 * Of these topics only the newest value counts; every message of the others arrives, or the client is closed.
 */
export const isLatestOnly = (topic: string): boolean => latestOnly.has(topicKind(topic))

/** A LiveMessage as it goes out: made once for all who get it. */
export interface Published {
  readonly seq: number
  readonly topic: string
  readonly type: string
  /** Of topics where only the newest value counts: what the value is of; else empty. */
  readonly key: string
  readonly frame: Buffer
  /** The frame without `v` and `seq`, for a client that gets it later, under another number. */
  readonly tail: Buffer
  /** Who may get it; undefined: everybody who hears the topic. */
  readonly to: ((principal: Principal) => boolean) | undefined
  /** After it there is nothing more to say on the topic. */
  readonly last: boolean
}

export interface PublishOptions {
  /** Of topics where only the newest value counts: what the value is of, such as a job. */
  readonly key?: string
  /** Who may get it; everybody else does not learn that it exists. */
  readonly to?: ((principal: Principal) => boolean) | undefined
  /** There will be nothing more to say on the topic. */
  readonly last?: boolean
}

export interface Saying {
  readonly topic: string
  readonly type: string
  readonly data: unknown
  readonly wallTimeMs: number
}

const headOf = (seq: number): string => `{"v":1,"seq":${seq},`

/** A LiveMessage without `v` and `seq`. */
export const encodeTail = ({ topic, type, data, wallTimeMs }: Saying): Buffer =>
  Buffer.from(tailText({ topic, type, data, wallTimeMs }), 'utf8')

const tailText = ({ topic, type, data, wallTimeMs }: Saying): string =>
  JSON.stringify({ ts: new Date(wallTimeMs).toISOString(), topic, type, data }).slice(1)

export const withNumber = (seq: number, tail: Buffer): Buffer =>
  Buffer.concat([Buffer.from(headOf(seq), 'latin1'), tail])

export function encode(
  seq: number,
  saying: Saying,
  { key = '', to, last = false }: PublishOptions = {},
): Published {
  const head = headOf(seq)
  const frame = Buffer.from(head + tailText(saying), 'utf8')
  const { topic, type } = saying
  return { seq, topic, type, key, frame, tail: frame.subarray(head.length), to, last }
}

/** What an encoded message tells about. */
export const dataOf = ({ frame }: Published): unknown =>
  (JSON.parse(frame.toString('utf8')) as { readonly data: unknown }).data
