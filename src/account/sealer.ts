/** Encrypts small secrets at rest under a key that is not in the database. */
export interface Sealer {
  /** `owner` is authenticated, so that no record can stand in for another. `mayMake`: nothing is sealed yet. */
  seal(owner: string, secret: Uint8Array, mayMake: boolean): Uint8Array
  /** Throws AppError `config_invalid` when the key is missing or another one. */
  open(owner: string, sealed: Uint8Array): Uint8Array
}
