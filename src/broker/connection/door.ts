/** The way by which a client has come. */
export interface Door {
  /** Lets clients in without a user name; for loopback only. */
  readonly anonymous: boolean
  /** Plain, and on the network: whoever is in it can read along, so only what owns no more than its own topics is let in. */
  readonly devicesOnly: boolean
}

/** An address from which nothing leaves this machine. */
export const isLoopbackAddress = (address: string | undefined): boolean =>
  address !== undefined && /^(::ffff:)?127\.|^::1$/i.test(address)

/** `localAddress`: of the connection, so that programs of this machine are let in wherever they have connected to. */
export const doorAt = (
  { anonymous, secure }: { readonly anonymous: boolean; readonly secure: boolean },
  localAddress: string | undefined,
): Door => ({ anonymous, devicesOnly: !secure && !isLoopbackAddress(localAddress) })
