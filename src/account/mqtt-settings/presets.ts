import type { MqttShow } from '../../wire/mqtt-user.ts'
import type { RoomRights } from '../mqtt-users.ts'

/** The topics that a device of this kind uses when it is called so; undefined: they hang on what is done with it. */
export function presetRights(show: MqttShow | undefined, name: string): RoomRights | undefined {
  switch (show) {
    case 'tasmota':
      return {
        publish: [`tele/${name}/#`, `stat/${name}/#`, 'tasmota/discovery/#'],
        subscribe: [`cmnd/${name}/#`, 'cmnd/tasmotas/#'],
      }
    case 'wled':
      return { publish: [`wled/${name}/#`], subscribe: [`wled/${name}/#`, 'wled/all/#'] }
    case 'esphome':
    case 'arduino':
      return { publish: [`${name}/#`], subscribe: [`${name}/#`] }
    default:
      return undefined
  }
}
