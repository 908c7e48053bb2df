/** Who asked for a change or a command, for the records. */
export interface Actor {
  /** Of the person, the MQTT user or the button; null: nobody, as when the gateway acts by itself. */
  readonly name: string | null
  /** Where they came in; null: nowhere. */
  readonly door: 'api' | 'mqtt' | 'gpio' | null
}

export const nobody: Actor = { name: null, door: null }
