import { readFileSync } from 'node:fs'

export const docOf = (name: string): string =>
  readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8')

export interface DocumentedTopic {
  /** As it stands there: `pixelgate/GW/BOARD/state`. */
  readonly topic: string
  readonly retained: string
  /** JSON objects in the last column. */
  readonly examples: readonly string[]
}

/** Rows of every table whose first column is `topic`. */
export function documentedTopics(text: string): readonly DocumentedTopic[] {
  const found: DocumentedTopic[] = []
  let isTable = false
  for (const line of text.split('\n')) {
    if (/^\|\s*topic\s*\|/.test(line)) isTable = true
    else if (!line.startsWith('|')) isTable = false
    else if (isTable && !line.startsWith('|---')) {
      const [, first = '', retained = '', ...rest] = line.split('|').map(cell => cell.trim())
      const examples = [...rest.join('|').matchAll(/`(\{"[^`]*\})`/g)].map(([, json = '']) => json)
      for (const [, topic = ''] of first.matchAll(/`([^`]+)`/g)) found.push({ topic, retained, examples })
    }
  }
  return found
}

/** Words in capitals stand for one level, or a part of one; `…` at the end for all that follows. */
export function topicPattern(topic: string): RegExp {
  const escaped = topic.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const levels = escaped
    .replace(/\b(GW|BOARD|JOB|LINE|NAME|METRIC)\b|(?<=_)(GW|BOARD)/g, '[^/]+')
    .replace(/…$/, '.+')
  return new RegExp(`^${levels}$`)
}

/** Fenced blocks of one language. */
export const blocksOf = (text: string, language: string): readonly string[] =>
  [...text.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, block = '']) => block)
