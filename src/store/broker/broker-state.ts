/** What broker.db held when it was opened; everything in it has proved its hash. */
export interface BrokerState {
  /** Milliseconds since 1970 when the gateway last noted them; undefined: never. */
  readonly wallMs: number | undefined
  readonly sessions: readonly {
    readonly id: number
    readonly clientId: string
    readonly principalJson: string
    readonly awayMs: number
  }[]
  readonly filters: readonly {
    readonly session: number
    readonly filter: string
    readonly optionsJson: string
  }[]
  /** In the order in which they came. A released one (PUBREC has come) may have no message any more. */
  readonly queue: readonly {
    readonly session: number
    readonly seq: number
    readonly qos: 1 | 2
    readonly packetId: number
    readonly released: 0 | 1
  }[]
  readonly messages: readonly { readonly seq: number; readonly topic: string; readonly payload: Uint8Array }[]
  readonly incoming: readonly { readonly session: number; readonly packetId: number }[]
  readonly retained: readonly {
    readonly topic: string
    readonly owner: string
    readonly qos: 0 | 1 | 2
    readonly payload: Uint8Array
  }[]
  readonly wills: readonly {
    readonly clientId: string
    readonly principalJson: string
    readonly topic: string
    readonly qos: 0 | 1 | 2
    readonly payload: Uint8Array
  }[]
  /** The highest number that a message ever had. */
  readonly lastSeq: number
  /** Rows whose hash was wrong; they are gone. */
  readonly damagedRows: number
}

export const emptyBrokerState: BrokerState = {
  wallMs: undefined,
  sessions: [],
  filters: [],
  queue: [],
  messages: [],
  incoming: [],
  retained: [],
  wills: [],
  lastSeq: 0,
  damagedRows: 0,
}
