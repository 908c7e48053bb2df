import { type KeyFile, keyFile } from './key-file.ts'

/** What encrypts the pairing keys. */
export const pairingKeyFile = (
  stateDir: string,
  env?: Readonly<Record<string, string | undefined>>,
): KeyFile => keyFile('pairing.key', stateDir, env)
