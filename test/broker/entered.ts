import type { MqttClient } from 'mqtt'

/**
 * Waits until a new client is in; rejects with what the broker answered.
 * Whoever wants to hear what a lasting session kept listens before this: it may come in one chunk with the CONNACK, and be over
 * before mqtt's own `connectAsync` gives its client away.
 */
export async function entered(client: MqttClient): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    client.once('connect', () => resolve())
    client.once('error', error => {
      client.end()
      reject(error)
    })
    client.once('end', () => reject(new Error('the broker closed the connection')))
  })
  // A connection that the broker cuts is an error to this client.
  client.on('error', () => undefined)
}
