import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { KeyVault } from '../../src/board/key-vault.ts'
import { pairingKeyFile } from '../../src/config/pairing-key-file.ts'

const secret = Uint8Array.from({ length: 16 }, (_, at) => at + 1)

t.test(
  'what was sealed opens again for its owner, also after a restart, and never looks the same',
  async t => {
    const path = join(t.testdir(), 'pairing.key')
    const vault = new KeyVault({ path, given: false })
    const first = vault.seal('board a', secret, true)
    const second = vault.seal('board a', secret, true)
    t.notSame(first, second)
    const anew = new KeyVault({ path, given: false })
    t.same(anew.open('board a', first), secret)
    t.same(anew.open('board a', second), secret)
    t.throws(() => anew.open('board b', first), { code: 'config_invalid' }, 'no record stands in for another')
    t.equal(statSync(path).mode & 0o777, 0o600)
    t.equal(statSync(path).size, 32)
    t.same(readdirSync(join(path, '..')), ['pairing.key'], 'nothing is left beside it')
    t.notOk(Buffer.from(first).includes(Buffer.from(secret)))
  },
)

t.test('a changed bit anywhere is found', async t => {
  const path = join(t.testdir(), 'pairing.key')
  const vault = new KeyVault({ path, given: false })
  const sealed = vault.seal('a', secret, true)
  fc.assert(
    fc.property(fc.nat(sealed.length * 8 - 1), bit => {
      const bent = sealed.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))
      t.throws(() => vault.open('a', bent), { code: 'config_invalid' })
    }),
  )
  for (const size of [0, 1, 12, 28, 44]) t.throws(() => vault.open('a', sealed.subarray(0, size)))
})

t.test('a key file that is missing, foreign, too short or open to others says what to do', async t => {
  const folder = t.testdir()
  const path = join(folder, 'pairing.key')
  const other = new KeyVault({ path: join(folder, 'other.key'), given: false })
  const sealed = other.seal('a', secret, true)
  const missing = { code: 'config_invalid', message: /is missing/ }
  t.throws(() => new KeyVault({ path, given: false }).open('a', sealed), missing)
  t.throws(() => new KeyVault({ path, given: false }).seal('a', secret, false), missing)
  t.throws(
    () => new KeyVault({ path, given: true }).seal('a', secret, true),
    missing,
    'what is given is not made',
  )
  new KeyVault({ path, given: false }).seal('a', secret, true)
  t.throws(() => new KeyVault({ path, given: false }).open('a', sealed), {
    message: /does not open the stored/,
  })
  chmodSync(path, 0o640)
  t.throws(() => new KeyVault({ path, given: false }).open('a', sealed), { message: /chmod 600/ })
  chmodSync(path, 0o600)
  writeFileSync(path, 'short')
  t.throws(() => new KeyVault({ path, given: false }).open('a', sealed), {
    message: /must have 32 random bytes/,
  })
})

t.test('a credential of the service comes before the file of our own', async t => {
  const folder = t.testdir({ creds: { 'pairing.key': 'x'.repeat(32) }, none: {} })
  const env = { CREDENTIALS_DIRECTORY: join(folder, 'creds') }
  const given = pairingKeyFile('/var/lib/x', env)
  t.same(given, { path: join(folder, 'creds', 'pairing.key'), given: true })
  const vault = new KeyVault(given)
  t.same(vault.open('a', vault.seal('a', secret, false)), secret)
  const own = { path: '/var/lib/x/pairing.key', given: false }
  t.same(pairingKeyFile('/var/lib/x', { CREDENTIALS_DIRECTORY: join(folder, 'none') }), own)
  t.same(pairingKeyFile('/var/lib/x', {}), own)
  t.equal(readFileSync(given.path, 'utf8'), 'x'.repeat(32))
})
