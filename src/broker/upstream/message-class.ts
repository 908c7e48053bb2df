import type { MessageClass } from '../../store/outbox/outbox-row.ts'
import { finalStates } from '../../store/tables/job-record.ts'
import type { BrokerMessage } from '../broker-port.ts'

const uploadStatus = /^\/[^/]+\/upload\/([^/]+)\/status$/
const telemetry = /^pixelgate\/[^/]+\/[^/]+\/telemetry\//

/** What a message is worth when room runs short, and the upload whose end it tells. `own`: where the topics of this gateway begin. */
export function classify(
  message: BrokerMessage,
  own: string,
): { readonly class: MessageClass; readonly job?: string } {
  const job = uploadOf(message, own)
  // Nothing else would clear the end that stands above.
  if (job !== undefined && message.payload.length === 0) return { class: 'result' }
  if (job !== undefined && isEnd(message.payload)) return { class: 'result', job }
  if (message.retain) return { class: 'state' }
  return { class: message.qos === 0 || telemetry.test(message.topic) ? 'telemetry' : 'message' }
}

/**
 * The upload whose status this is. Only the gateway itself says so: nobody has sent what comes from another broker above either, but
 * that is never below our own topics.
 */
function uploadOf({ who, topic }: BrokerMessage, own: string): string | undefined {
  return who === undefined && topic.startsWith(own)
    ? uploadStatus.exec(topic.slice(own.length))?.[1]
    : undefined
}

function isEnd(payload: Buffer): boolean {
  try {
    const json = JSON.parse(payload.toString('utf8')) as { readonly state?: unknown } | null
    return finalStates.some(state => state === json?.state)
  } catch {
    return false
  }
}
