import { join } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import t from 'tap'
import { runCli } from '../../src/cli/cli.ts'
import { readPassword } from '../../src/cli/read-password.ts'
import { lanRig, password } from '../http/lan-rig.ts'

class Sink extends Writable {
  text = ''
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}

/** A terminal that is typed at. */
const terminal = () => {
  const raw: boolean[] = []
  const input = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode: (on: boolean) => void raw.push(on),
  })
  return { input, raw }
}

t.test(
  'people are made, listed and removed over the control socket; a password comes from a pipe',
  async t => {
    const { folder, accounts } = await lanRig(t)
    const run = async (line: string, typed = '') => {
      const [stdout, stderr, stdin] = [new Sink(), new Sink(), new PassThrough()]
      stdin.end(typed)
      const args = [...line.split(' '), '--socket', join(folder, 'control.sock')]
      const exit = await runCli(args, {
        stdout,
        stderr,
        stdin,
        env: {},
        signal: new AbortController().signal,
        serve: async () => 0,
      })
      return { exit, out: stdout.text, err: stderr.text }
    }
    const code = await accounts.claimCode()
    t.match((await run('setup')).out, `Claim code: ${code}\n`)
    t.same(JSON.parse((await run('setup --json')).out), { claimed: false, claimCode: code })
    t.match((await run('user list')).out, /Nobody has an account/)
    const added = await run('user add ada --role admin', `${password}\nmore`)
    t.match(added, { exit: 0, out: 'ada may sign in as admin.\n' })
    t.notMatch(added.out + added.err, new RegExp(password))
    t.match(await accounts.signIn({ name: 'ada', password }, { address: 'x', agent: '' }), {
      user: { role: 'admin' },
    })
    t.match((await run('setup')).out, /is claimed/)
    t.match(JSON.parse((await run('user add bob --json', password)).out), {
      user: { name: 'bob', role: 'operator' },
    })
    t.match((await run('user list')).out, /name +role +since\nada +admin.*\nbob +operator/)
    t.match(JSON.parse((await run('user list --json')).out), { users: [{ name: 'ada' }, { name: 'bob' }] })
    t.match(await run('user remove bob'), { exit: 0, out: /bob may not sign in/ })
    t.match(JSON.parse((await run('user add bob --json --role viewer', password)).out), {
      user: { role: 'viewer' },
    })
    t.same(JSON.parse((await run('user remove bob --json')).out), { removed: 'bob' })
    t.match(await run('user remove ada'), { exit: 2, err: /only admin/ })
    t.match(await run('user add eve', 'short\n'), { exit: 2, err: /at least 10/ })
    t.match(await run('user add eve --role king', password), { exit: 2, err: /viewer, operator, admin/ })
    for (const wrong of ['user add', 'user list ada', 'user make ada'])
      t.match(await run(wrong), { exit: 2, err: /pixelgate user list/ }, wrong)

    await run('user add bob', password)
    t.match(await run('user role bob --role viewer'), { exit: 0, out: 'bob is viewer now.\n' })
    t.match(await run('user password bob', 'quiet lantern meadow'), { exit: 0, out: /new password/ })
    t.match(await run('user disable bob'), { exit: 0, out: /bob may not sign in until/ })
    t.match((await run('user list')).out, /bob +viewer.*switched off/)
    t.match(JSON.parse((await run('user enable bob --json')).out), { user: { disabled: false } })
    const guest = { address: '192.0.2.7', agent: 'Lantern/2.0' }
    const { sessionId } = await accounts.signIn({ name: 'bob', password: 'quiet lantern meadow' }, guest)
    t.match(
      (await run('session list --user bob')).out,
      new RegExp(`bob +192\\.0\\.2\\.7.*${sessionId} +Lantern/2\\.0`),
    )
    t.match(JSON.parse((await run('session list --json')).out), { sessions: Array, total: Number })
    t.match(await run(`session end ${sessionId}`), { exit: 0, out: /has ended/ })
    t.match(await run(`session end ${sessionId}`), { exit: 2, err: /no such session/ })
    t.match((await run('session list --user bob')).out, /Nobody is signed in/)
    t.match(await run('session begin'), { exit: 2, err: /pixelgate session list/ })
  },
)

t.test('on a terminal nothing of a password is shown, and its keys work', async t => {
  const ask = async (keys: string) => {
    const { input, raw } = terminal()
    const output = new Sink()
    const typed = readPassword('Password: ', input, output)
    input.write(keys)
    const result = await typed.catch((error: Error) => error)
    t.same(raw, [true, false])
    t.equal(output.text, 'Password: \n')
    return result
  }
  t.equal(await ask('secret words\r'), 'secret words')
  t.equal(await ask('wrong\x15secret werd\x7f\x7f\x7fords\n'), 'secret words')
  t.equal(await ask('ended\x04'), 'ended')
  t.match(await ask('x\x03'), { code: 'cancelled' })
  t.match(await ask('x'.repeat(5000)), { code: 'usage' })
})

t.test('a pipe that ends without a newline or breaks is an answer too', async t => {
  const piped = new PassThrough()
  const typed = readPassword('Password: ', piped, new Sink())
  piped.end('pässword')
  t.equal(await typed, 'pässword')
  const broken = new PassThrough()
  const lost = readPassword('Password: ', broken, new Sink())
  broken.destroy(new Error('gone'))
  await t.rejects(lost, { message: 'gone' })
})
