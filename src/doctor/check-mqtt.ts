import { openToNetwork } from '../config/mqtt-listeners.ts'
import { type Check, fine, warning } from './finding.ts'

/** MQTT listeners where whoever is in the network can read along. */
export const mqttCheck: Check = {
  name: 'mqtt',
  async run({ config: { mqtt } }) {
    const open = openToNetwork(mqtt.listeners)
    if (open.length === 0) return [fine('no MQTT listener is plain on the network')]
    return open.map(({ host, port, plain }) =>
      warning(
        `the MQTT listener on ${host}, port ${port} has no TLS: whoever is in the network can read and change what boards say there`,
        plain
          ? 'keep it for boards and devices that know no TLS, in a network that you trust; others use a listener with "tls": true'
          : 'add "tls": true to it in mqtt.listeners, or "plain": true if it is meant to be; only boards and devices are let in there',
      ),
    )
  },
}
