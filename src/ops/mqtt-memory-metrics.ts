import { Counter, Gauge, type Registry } from 'prom-client'

/** What the MQTT broker keeps beyond its connections. */
export interface MqttMemoryReading {
  readonly queuedMessages: number
  readonly queuedBytes: number
  readonly retained: number
  readonly retainedBytes: number
  readonly sessions: number
  /** Since the start. */
  readonly droppedMessages: number
  readonly refusedRetained: number
  readonly commits: number
  readonly failedCommits: number
  readonly waitingForDisk: number
}

/** Registers the metrics `pixelgate_mqtt_…` of what lasts; `read` gives undefined while there is no broker. */
export function mqttMemoryMetrics(registry: Registry, read: () => MqttMemoryReading | undefined): void {
  const registers = [registry]
  const gauge = (name: string, help: string, key: keyof MqttMemoryReading): void => {
    const made: Gauge = new Gauge({
      ...{ name: `pixelgate_mqtt_${name}`, help, registers },
      collect: () => made.set(read()?.[key] ?? 0),
    })
  }
  const counter = (name: string, help: string, key: keyof MqttMemoryReading): void => {
    const made: Counter = new Counter({
      ...{ name: `pixelgate_mqtt_${name}_total`, help, registers },
      collect: () => {
        made.reset()
        made.inc(read()?.[key] ?? 0)
      },
    })
  }
  gauge('sessions', 'MQTT sessions that last.', 'sessions')
  gauge('queued_messages', 'Messages that wait for sessions.', 'queuedMessages')
  gauge('queued_bytes', 'What they count against the quotas.', 'queuedBytes')
  gauge('retained_messages', 'Retained messages.', 'retained')
  gauge('retained_bytes', 'What they count against the quotas.', 'retainedBytes')
  gauge('waiting_for_disk', 'Messages that are acknowledged when broker.db has them.', 'waitingForDisk')
  counter('dropped_messages', 'Messages for which a session had no room.', 'droppedMessages')
  counter('refused_retained', 'Retained messages for which there was no room.', 'refusedRetained')
  counter('commits', 'Transactions of broker.db.', 'commits')
  counter('failed_commits', 'Transactions of broker.db that failed.', 'failedCommits')
}
