const latestOnly: ReadonlySet<string> = new Set(['progress', 'metrics', 'typing'])

/** `jobs/ID` is a topic of the kind `jobs`. */
export const topicKind = (topic: string): string => topic.split('/', 1)[0] ?? topic

/**
 * Of these topics only the newest value counts; every message of the others arrives, or the client is closed.
 */
export const isLatestOnly = (topic: string): boolean => latestOnly.has(topicKind(topic))

/** A LiveMessage without `v` and `seq`, which differ from client to client: made once for all of them. */
export const encodeTail = (wallTimeMs: number, topic: string, type: string, data: unknown): Buffer =>
  Buffer.from(JSON.stringify({ ts: new Date(wallTimeMs).toISOString(), topic, type, data }).slice(1), 'utf8')
