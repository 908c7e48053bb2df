/** Keeps secrets encrypted under a key that is not in the database. */
export interface Sealing {
  /** `owner` is authenticated, so that no record can stand in for another. Rejects with `config_invalid`. */
  seal(owner: string, secret: string): Promise<Uint8Array>
  /** Throws `config_invalid` when the key is missing or another one. */
  open(owner: string, sealed: Uint8Array): string
}
