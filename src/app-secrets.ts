import { KeyVault } from './board/key-vault.ts'
import { keyFile } from './config/key-file.ts'

/** What encrypts the secrets of callbacks and webhooks, under a key of its own. */
export const callbacksVault = (stateDir: string): KeyVault =>
  new KeyVault(keyFile('callbacks.key', stateDir), {
    secrets: 'the secrets of callbacks and webhooks',
    cure: 'remove all callbacks and webhooks and make them anew',
  })

/** What encrypts the secrets of second factors, under a key of its own. */
export const accountsVault = (stateDir: string): KeyVault =>
  new KeyVault(keyFile('accounts.key', stateDir), {
    secrets: 'the second factors of accounts',
    cure: 'take the second factor away on the gateway: pixelgate user reset-totp NAME',
  })
