/** Why a packet may not reach the broker. */
export interface Violation {
  /** Clause of MQTT 3.1.1 that it breaks; `limit`: a limit of ours. */
  readonly clause: string
  readonly reason: string
  /** Answered with a CONNACK of this return code before the connection is closed (§3.2.2.3). */
  readonly returnCode?: number
}

export const cutOff: Violation = { clause: '2.2.3', reason: 'a field goes beyond the end of its packet' }

export const badText: Violation = {
  clause: 'MQTT-1.5.3-1',
  reason: 'text that is not UTF-8, or has U+0000 or another control character',
}
