import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Secret, TOTP } from 'otpauth'
import t, { type Test } from 'tap'
import { Accounts } from '../../src/account/accounts.ts'
import { localPrincipal, type Principal } from '../../src/account/principal.ts'
import { codeOf, type Gateway, gateway, home, password } from './accounts-rig.ts'

const stepMs = 30_000
const away = { address: '10.1.2.3', agent: 'phone' }

interface WithApp extends Gateway {
  readonly principal: Principal
  readonly app: TOTP
  readonly backupCodes: readonly string[]
  /** What the app shows so many steps from now. */
  shown(steps?: number): string
}

async function withApp(t: Test): Promise<WithApp> {
  const built = await gateway(t)
  const { accounts, clock, signIn } = built
  const { token } = await signIn()
  const principal = (await accounts.authenticate(token)) as Principal
  const { secret } = await accounts.own.beginSecondFactor(principal)
  const app = new TOTP({ secret: Secret.fromBase32(secret), algorithm: 'SHA1', digits: 6, period: 30 })
  const shown = (steps = 0) => app.generate({ timestamp: clock.wallTime() + steps * stepMs })
  const backupCodes = await accounts.own.confirmSecondFactor(principal, shown(), home)
  clock.advance(stepMs)
  return { ...built, principal, app, backupCodes, shown }
}

const enter = ({ accounts }: Gateway, code?: string, from = home) =>
  codeOf(accounts.signIn({ name: 'ada', password, ...(code !== undefined && { code }) }, from))

t.test(
  'a secret comes as text, as a link and as a picture, and asks for nothing until it is confirmed',
  async t => {
    const { accounts, clock, signIn } = await gateway(t)
    const principal = (await accounts.authenticate((await signIn()).token)) as Principal
    const first = await accounts.own.beginSecondFactor(principal)
    t.match(first, { secret: /^[A-Z2-7]{32}$/, qrSvg: /^<svg / })
    const url = new URL(first.url)
    t.equal(`${url.protocol}//${url.host}${url.pathname}`, 'otpauth://totp/pixelgate:ada')
    t.match(Object.fromEntries(url.searchParams), { issuer: 'pixelgate', secret: first.secret, digits: '6' })
    t.equal(await codeOf(signIn()), 'none')
    const second = await accounts.own.beginSecondFactor(principal)
    const codeFor = (secret: string) =>
      new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: clock.wallTime() })
    t.equal(
      await codeOf(accounts.own.confirmSecondFactor(principal, codeFor(first.secret), home)),
      'forbidden',
    )
    const codes = await accounts.own.confirmSecondFactor(principal, codeFor(second.secret), home)
    t.equal(new Set(codes).size, 10)
    for (const each of codes)
      t.match(each, /^[34679ACDEFGHJKMNPQRTWXY]{4}(-[34679ACDEFGHJKMNPQRTWXY]{4}){2}$/)
    t.equal(await codeOf(signIn()), 'second_factor_required')
    t.equal(await codeOf(accounts.own.beginSecondFactor(principal)), 'conflict', 'the one that is on stays')
    t.equal(
      await codeOf(accounts.own.confirmSecondFactor(principal, codeFor(second.secret), home)),
      'conflict',
    )
    t.equal(await codeOf(accounts.own.beginSecondFactor(localPrincipal)), 'forbidden')
  },
)

t.test(
  'the code is asked for after the right password alone, and one step to either side is taken',
  async t => {
    const built = await withApp(t)
    const { accounts, shown, clock, tried } = built
    t.equal(await enter(built), 'second_factor_required')
    t.equal(
      await codeOf(accounts.signIn({ name: 'ada', password: 'x', code: shown() }, home)),
      'unauthenticated',
    )
    t.equal(await enter(built, shown(-2)), 'unauthenticated')
    t.equal(await enter(built, shown(2)), 'unauthenticated')
    t.equal(await enter(built, shown(-1)), 'unauthenticated', 'that step was used to confirm')
    t.match(
      tried.slice(-3).map(({ outcome }) => outcome),
      Array(3).fill('wrong_second_factor'),
    )
    t.equal(await enter(built, shown(1)), 'none')
    t.equal(await enter(built, shown(0)), 'unauthenticated', 'nor does an older one work after it')
    clock.advance(2 * stepMs)
    t.equal(await enter(built, ` ${shown().slice(0, 3)} ${shown().slice(3)}`), 'none')
    clock.advance(2 * stepMs)
    t.equal(await enter(built, shown(-1)), 'none')
  },
)

t.test('a code works once, of a thousand tries at the same moment and after a restart', async t => {
  const built = await withApp(t)
  const { store, principal, shown, backupCodes } = built
  const step = Math.floor(built.clock.wallTime() / stepMs)
  const races = await Promise.all(
    Array.from({ length: 1000 }, () => store.secondFactors.useStep({ userId: principal.id, step })),
  )
  t.equal(races.filter(Boolean).length, 1)
  built.clock.advance(stepMs)
  const code = shown()
  const signIns = await Promise.all(
    Array.from({ length: 20 }, (_, at) => enter(built, code, { ...home, agent: `${at}` })),
  )
  t.equal(signIns.filter(each => each === 'none').length, 1)
  built.clock.advance(10 * 60_000)
  const backup = await Promise.all(Array.from({ length: 20 }, () => enter(built, backupCodes[0])))
  t.equal(backup.filter(each => each === 'none').length, 1)
  const later = await built.restarted()
  built.clock.advance(10 * 60_000)
  t.equal(await enter(later, backupCodes[0]), 'unauthenticated')
  built.clock.advance(10 * 60_000)
  t.equal(await enter(later, code), 'unauthenticated')
  built.clock.advance(10 * 60_000)
  t.equal(await enter(later, shown()), 'none')
})

t.test('ten backup codes open ten times, however they are typed, and new ones replace them', async t => {
  const built = await withApp(t)
  const { accounts, principal, backupCodes } = built
  for (const [at, each] of backupCodes.slice(0, 9).entries())
    t.equal(await enter(built, at % 2 === 0 ? each.toLowerCase().replaceAll('-', ' ') : each), 'none')
  for (const each of backupCodes.slice(0, 2)) t.equal(await enter(built, each), 'unauthenticated')
  const fresh = await accounts.own.renewBackupCodes(principal)
  t.equal(new Set([...fresh, ...backupCodes]).size, 20)
  t.equal(await enter(built, backupCodes[9]), 'unauthenticated', 'the last old one is worth nothing now')
  t.equal(await enter(built, fresh[9]), 'none')
})

t.test('guessing a code is slowed as guessing a password is, from many addresses too', async t => {
  const built = await withApp(t)
  let through = 0
  for (let at = 0; at < 2000; at++) {
    const from = { address: `10.2.${at % 8}.${at % 200}`, agent: '' }
    if ((await enter(built, String(at).padStart(6, '0'), from)) === 'unauthenticated') through += 1
    if (at % 200 === 0) built.clock.advance(60_000)
  }
  t.ok(through <= 20, `${through} of a million codes were tried in ten minutes`)
  t.equal(await enter(built, built.shown(), home), 'none', 'the owner gets in at home')
})

t.test('it is removed with a code or the password, by an admin, and with the user', async t => {
  const built = await withApp(t)
  const { accounts, principal, shown, backupCodes, changed } = built
  const remove = (proof: { code?: string; password?: string }) =>
    codeOf(accounts.own.removeSecondFactor(principal, proof, home))
  t.equal(await remove({ password: 'x' }), 'forbidden')
  t.equal(await remove({ code: '000000' }), 'forbidden')
  t.equal(await remove({ code: shown() }), 'none')
  t.equal(await remove({ password }), 'conflict')
  t.equal(await enter(built), 'none')
  t.equal(await codeOf(accounts.own.renewBackupCodes(principal)), 'conflict')
  const again = async () => {
    const { secret } = await accounts.own.beginSecondFactor(principal)
    const code = new TOTP({ secret: Secret.fromBase32(secret) }).generate({
      timestamp: built.clock.wallTime(),
    })
    await accounts.own.confirmSecondFactor(principal, code, home)
  }
  await again()
  t.equal(await enter(built, backupCodes[5]), 'unauthenticated', 'codes of the time before are worth nothing')
  t.equal(await remove({ password }), 'none')
  await again()
  t.equal(await enter(built), 'second_factor_required')
  await accounts.people.resetSecondFactor('ADA')
  t.equal(await enter(built), 'none')
  t.equal(await codeOf(accounts.people.resetSecondFactor('ada')), 'not_found')
  t.equal(await codeOf(accounts.people.resetSecondFactor('nobody')), 'not_found')
  t.match(changed.slice(0, 2), [
    { before: { secondFactor: false }, after: { secondFactor: true } },
    { before: { secondFactor: true }, after: { secondFactor: false } },
  ])
})

t.test('the database alone opens nothing, and without the key file it says what to do', async t => {
  const built = await withApp(t)
  const { folder, app, backupCodes, shown, lines } = built
  const key = join(folder, 'accounts.key')
  t.equal(statSync(key).mode & 0o777, 0o600)
  const secret = Buffer.from(app.secret.bytes)
  const keyBytes = readFileSync(key)
  const database = readdirSync(folder)
    .filter(name => name.startsWith('gateway.db'))
    .map(name => readFileSync(join(folder, name)))
  for (const hidden of [secret, app.secret.base32, app.secret.hex, keyBytes, ...backupCodes])
    t.notOk(database.some(file => file.includes(hidden)))
  for (const hidden of [app.secret.base32, ...backupCodes, password])
    t.notOk(lines.some(line => line.includes(hidden)))

  rmSync(key)
  const lost = await built.restarted()
  t.equal(await enter(lost), 'second_factor_required')
  await t.rejects(lost.accounts.signIn({ name: 'ada', password, code: shown() }, home), {
    code: 'config_invalid',
    message: /accounts\.key is missing.*pixelgate user reset-totp NAME/,
  })
  t.notOk(existsSync(key), 'a new key would hide that the old one is lost')
  writeFileSync(key, Buffer.alloc(32, 7))
  chmodSync(key, 0o600)
  const other = await built.restarted()
  await t.rejects(other.accounts.signIn({ name: 'ada', password, code: backupCodes[0] }, away), {
    code: 'config_invalid',
    message: /does not open the second factors/,
  })
  writeFileSync(key, keyBytes)
  t.equal(await enter(await built.restarted(), shown()), 'none', 'the right file opens them again')
  rmSync(key)
  const reset = await built.restarted()
  await reset.accounts.people.resetSecondFactor('ada')
  t.equal(await enter(reset), 'none', 'the reset needs no key')
})

t.test('a program that keeps no secrets has no second factor', async t => {
  const { store, clock } = await gateway(t)
  const log = { debug() {}, info() {}, warn() {}, error() {} }
  const accounts = new Accounts({ store, clock, log })
  const ada = await store.users.byName('ada')
  const principal: Principal = { kind: 'user', id: ada?.id ?? '', name: 'ada', role: 'admin' }
  t.equal(await codeOf(accounts.own.beginSecondFactor(principal)), 'config_invalid')
})
