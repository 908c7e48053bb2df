import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { AppError } from '../../src/kernel/errors.ts'
import { createLog } from '../../src/ops/log.ts'
import { redact } from '../../src/ops/redact.ts'
import { redactText } from '../../src/ops/redact-text.ts'
import { isSecretKey } from '../../src/ops/secret-key.ts'
import { CpuTime } from '../support/cpu-time.ts'

const run = promisify(execFile)

/** The real log, into memory. */
function memoryLog(level = 'debug') {
  const chunks: string[] = []
  const log = createLog(level, { write: (line: string) => void chunks.push(line) })
  return {
    log,
    text: () => chunks.join(''),
    lines: () => chunks.map(line => JSON.parse(line) as Record<string, unknown>),
  }
}

t.test('a line is JSON with an ISO time, a level, the fields that were given and the message', async t => {
  const { log, lines, text } = memoryLog('info')
  log.debug({ jobId: 'j0' }, 'not said at this level')
  log.info({ requestId: 'r1', jobId: 'j1', boardId: 'b1' }, 'a job began')
  log.warn({ level: 'fatal', time: 0, msg: 'forged', n: 1n }, 'names of the log itself keep their meaning')
  log.error(new AppError('port_busy', 'in use', { detail: { path: '/dev/ttyUSB0' } }), 'an error as fields')
  const [first, second, third] = lines()
  t.match(first, { level: 30, requestId: 'r1', jobId: 'j1', boardId: 'b1', msg: 'a job began' })
  t.match(String(first?.['time']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  t.match(second, { level: 40, level_: 'fatal', time_: 0, msg_: 'forged', n: '1' })
  t.match(third, {
    level: 50,
    err: { type: 'AppError', code: 'port_busy', detail: { path: '/dev/ttyUSB0' } },
  })
  t.equal(text().split('\n').length, 4, 'three lines and the end')
  const silent = memoryLog('silent')
  silent.log.error({}, 'nothing')
  t.equal(silent.text(), '')
})

const canary = (): string => `C4nary${randomBytes(6).toString('hex')}`
const base64url = (bytes: number): string => randomBytes(bytes).toString('base64url')

/** One secret of each of the nine kinds, as [what must not come out, the forms it comes in]. */
function disguises(): [kind: string, secret: string, forms: unknown[]][] {
  const [password, token, bearer, cookie, wifi] = [canary(), canary(), canary(), canary(), canary()]
  const opaque = base64url(32)
  const jwt = `eyJ${base64url(20)}.eyJ${base64url(40)}.${base64url(32)}`
  const [urlPassword, keyBody, mail] = [
    canary(),
    randomBytes(48).toString('base64'),
    `${canary()}.x@mail.example.org`,
  ]
  const basic = Buffer.from(`user:${canary()}`).toString('base64')
  const pem = `-----BEGIN EC PRIVATE KEY-----\n${keyBody}\n-----END EC PRIVATE KEY-----`
  return [
    [
      'password',
      password,
      [
        { password },
        { Password: password },
        { PASSWORD: password },
        { user_password: password },
        { newPassword: password },
        { pass: password },
        { passwd: password },
        { pwd: password },
        { userPwd: password },
        { a: { b: [{ passphrase: password }] } },
        ['--password', password],
        ['-u', 'x', '--password', password],
        new Map([['password', password]]),
        { name: 'password', value: password },
        { passwordHash: password },
        `password=${password}`,
        `PASSWORD = ${password}`,
        `Password: ${password}`,
        `password:${password}`,
        `{"password":"${password}"}`,
        `{\\"password\\": \\"${password}\\"}`,
        `{ password: '${password}' }`,
        `{"password":"a \\"quoted\\" ${password}"}`,
        `user[password]=${password}&x=1`,
        `password%3D${password}`,
        `?user=a&password=${password}&x=1`,
        `--password ${password}`,
        `--password=${password}`,
        `with password ${password}`,
        `the password is "${password}"`,
        `db_password='${password}'`,
        `passphrase: correct horse ${password}`,
        `password => ${password}`,
        `<password="${password}">`,
        `password=\`${password}\``,
        `line one\npassword=${password}\nline three`,
        `scrypt$15$8$3$${password}$${password}`,
      ],
    ],
    [
      'API token',
      token,
      [
        { token },
        { apiToken: token },
        { api_key: token },
        { 'x-api-key': token },
        { accessToken: token },
        { refresh_token: token },
        { clientSecret: token },
        { secret: token },
        { deep: { er: { apiKey: token } } },
        `token=${token}`,
        `api_key: ${token}`,
        `X-API-Key: ${token}`,
        `"access_token":"${token}"`,
        `apikey=${token}`,
        `/ws?token=${token}&v=1`,
        `api key ${token}`,
        `secret ${token}`,
        `token: ${token}`,
        `Token ${token}`,
        `ghp_${token}000000`,
        `sk-${token}`,
      ],
    ],
    [
      'API token',
      opaque,
      [opaque, { data: opaque }, `path /x/${opaque}/y`, [opaque], { [opaque]: 1 }, `"${opaque}"`],
    ],
    [
      'bearer',
      bearer,
      [
        { authorization: `Bearer ${bearer}` },
        { headers: { Authorization: bearer } },
        `Bearer ${bearer}`,
        `authorization: bearer ${bearer}`,
        `Authorization: Custom a="b", c=${bearer}`,
        `-H 'Authorization: Bearer ${bearer}'`,
        ['Authorization', `Bearer ${bearer}`],
        ['Host', 'a', 'authorization', bearer],
        `BEARER   ${bearer}`,
        `Bearer%20${bearer}`,
        { name: 'authorization', value: bearer },
      ],
    ],
    [
      'basic',
      basic,
      [`Basic ${basic}`, { authorization: `Basic ${basic}` }, `proxy-authorization: basic ${basic}`],
    ],
    [
      'JWT',
      jwt,
      [jwt, { data: jwt }, `got ${jwt}, refused`, `cookie ${jwt}`, { [jwt]: true }, `/x?jwt=${jwt}`],
    ],
    ['JWT', jwt.split('.')[2] ?? '', [jwt, `a.${jwt}`, `"${jwt}"`]],
    [
      'URL credentials',
      urlPassword,
      [
        `mqtt://user:${urlPassword}@host:1883/x`,
        `https://${urlPassword}@host/`,
        { url: `postgres://u:${urlPassword}@h/db` },
        `redis://:${urlPassword}@h`,
        `//u:${urlPassword}@h/`,
        `http:\\/\\/u:${urlPassword}@h\\/`,
        new URL(`ftp://u:${urlPassword}@h/`),
        `mqtt://u:p/${urlPassword}@h`,
        `mqtts://u:a@${urlPassword}@h`,
        `http://u:${urlPassword}@[::1]:80/`,
      ],
    ],
    [
      'cookie',
      cookie,
      [
        { cookie: `a=${cookie}` },
        { headers: { 'set-cookie': [`a=${cookie}; Path=/`] } },
        `Cookie: a=1; b=${cookie}`,
        `pixelgate_session=${cookie}`,
        `set-cookie: sid=${cookie}; HttpOnly`,
        `session=${cookie}`,
        { sessionId: cookie },
        { session: cookie },
        { sid: cookie },
        `connect.sid=${cookie}`,
        `PHPSESSID=${cookie}`,
        `session: ${cookie}`,
        ['cookie', `x=${cookie}`],
      ],
    ],
    [
      'private key',
      keyBody,
      [
        pem,
        { key: pem },
        pem.replaceAll('\n', '\\n'),
        `x ${pem.slice(0, 80)}`.length > 0 ? pem.slice(0, -20) : '',
        { privateKey: keyBody },
        pem.replaceAll('EC PRIVATE', 'OPENSSH PRIVATE'),
        pem.replaceAll('EC PRIVATE', 'PRIVATE'),
        `-----BEGIN PGP PRIVATE KEY BLOCK-----\n${keyBody}\n-----END PGP PRIVATE KEY BLOCK-----`,
        { kty: 'EC', crv: 'P-256', d: keyBody },
        `private_key="${keyBody}"`,
      ],
    ],
    [
      'Wi-Fi/MQTT secret',
      wifi,
      [
        { psk: wifi },
        { wifiPassword: wifi },
        { wifi: { psk: wifi } },
        { mqtt_secret: wifi },
        { mqttPassword: wifi },
        `psk="${wifi}"`,
        `wpa-psk ${wifi}`,
        `WIFI:T:WPA;S:home;P:${wifi};;`,
        `mosquitto_pub -h x -u me -P ${wifi} -t a`,
        `wpa_passphrase home ${wifi}`,
        `nmcli dev wifi connect home password ${wifi}`,
        `mosquitto_sub --pw ${wifi} -t a`,
        `wpa_passphrase=${wifi}`,
        { mqtt: { credentials: wifi } },
      ],
    ],
    [
      'e-mail',
      mail,
      [
        mail,
        { user: mail },
        `mail to <${mail}>`,
        `${mail},other`,
        { to: [mail] },
        mail.replace('@', '%40'),
        `mailto:${mail}`,
        `"${mail}"`,
        { [mail]: 1 },
      ],
    ],
  ]
}

/** Every place of a line that somebody may put something into. */
const places: ((form: unknown) => [object, string])[] = [
  form =>
    typeof form === 'object' && form !== null && !Array.isArray(form) ? [form, 'x'] : [{ data: form }, 'x'],
  form => [{ a: { b: { c: form } } }, 'x'],
  form => [{ list: [1, form, 2] }, 'x'],
  form => [{}, typeof form === 'string' ? form : JSON.stringify(form)],
  form => [{ err: new Error(`it failed: ${typeof form === 'string' ? form : JSON.stringify(form)}`) }, 'x'],
  form => [
    { err: new Error('outer', { cause: new AppError('storage_failed', 'inner', { detail: { form } }) }) },
    'x',
  ],
  form => [{ err: new AggregateError([new Error(String(JSON.stringify(form)))], 'many') }, 'x'],
  form => [{ set: new Set([form]), map: new Map([['data', form]]) }, 'x'],
]

t.test('of every kind of secret in every disguise and place no canary reaches the output', async t => {
  let forms = 0
  for (const [kind, secret, all] of disguises()) {
    for (const form of all) {
      for (const [index, place] of places.entries()) {
        const { log, text } = memoryLog()
        const [fields, message] = place(form)
        log.info(fields, message)
        forms++
        const leaked = text().includes(secret) || text().includes(JSON.stringify(secret).slice(1, -1))
        if (leaked) t.fail(`${kind} leaks at place ${index}`, { form, line: text() })
        if (text().split('\n').length !== 2) t.fail('more than one line', { line: text() })
      }
    }
  }
  t.ok(forms > 800, `${forms} lines, 0 canaries`)
})

t.test('ordinary words stay as they are', async t => {
  const texts = [
    'the author of this pattern',
    'author=Bob',
    'authored: yes',
    'a secretary passed the keyboard',
    'passed: 12 of 12',
    '/dev/serial/by-id/usb-Silicon_Labs_CP2102_USB_to_UART_Bridge_Controller_0001-if00-port0',
    '/dev/serial/by-id/usb-1a86_USB_Serial-if00-port0: gone',
    'getty@tty1.service is active',
    'koa@3.3.0',
    `sha256=${'0f'.repeat(32)}`,
    '0190a3c2-1111-7222-8333-444455556666 done',
    'Basic configuration is enough',
    'a bearer token is missing',
    'http://127.0.0.1:8080/api/v1/boards',
    'https://example.org:8443/a/@scope/name',
    'the upload session: board went away',
    'password must have at least 10 characters',
    'tokens left: 5',
    'claimCode=ABCD-EFGH',
    '--port /dev/ttyUSB0 --baud 500000',
    'links[0].baudRate: must be a number',
    'Error: x\n    at run (file:///opt/pixelgate/dist/main.js:10:5)',
  ]
  for (const text of texts) t.equal(redactText(text), text)
  for (const key of [
    'author',
    'authorId',
    'pin',
    'key',
    'keyFile',
    'passed',
    'compass',
    'tokenCount',
    'claimCode',
  ])
    t.equal(isSecretKey(key), false, key)
  t.equal(isSecretKey(`${'x'.repeat(300)}Password`), true, 'also where the name is absurdly long')
  t.same(
    redact({
      password: undefined,
      token: null,
      cookie: true,
      author: 'Bob',
      claimCode: 'AB-CD',
      passwordAttempts: 3,
    }),
    {
      password: undefined,
      token: null,
      cookie: true,
      author: 'Bob',
      claimCode: 'AB-CD',
      passwordAttempts: 3,
    },
  )
  t.equal(redactText('password=hunter2'), 'password=[redacted]')
  t.equal(redactText('user=bob password=hunter2 board=3'), 'user=bob password=[redacted] board=3')
})

t.test('a value never makes a second line, nor a control sequence', async t => {
  const { log, text, lines } = memoryLog()
  log.info({ path: 'a\nb\r\nc\u2028d\u2029e\u0085f\u001b[31mg\u009bh' }, 'x\n{"level":60,"msg":"forged"}')
  t.equal(
    text()
      .trimEnd()
      .split(/[\n\r\u2028\u2029\u0085]/).length,
    1,
  )
  t.notOk([...text()].some(char => char === '\u001b' || (char >= '\u0080' && char <= '\u009f')))
  t.match(lines()[0], { msg: 'x\n{"level":60,"msg":"forged"}' })
})

t.test('whatever is logged, the line is bounded and nothing throws', async t => {
  const circular: Record<string, unknown> = { a: 1 }
  circular['self'] = circular
  let deep: object = {}
  for (let n = 0; n < 100; n++) deep = { deep }
  const hostile = new Proxy(
    {},
    {
      ownKeys: () => {
        throw new Error('no')
      },
    },
  )
  const wide = Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`k${n}`, n]))
  const { log, text, lines } = memoryLog()
  log.info(
    { circular, deep, hostile, wide, list: new Array(5000).fill('x'), long: 'y '.repeat(100_000) },
    'z'.repeat(100_000),
  )
  log.info(
    {
      bytes: randomBytes(20),
      when: new Date(0),
      never: new Date(Number.NaN),
      f: () => 1,
      s: Symbol('s'),
      r: /a/g,
    },
    'kinds',
  )
  log.info({ view: { toJSON: () => ({ password: 'hunter2' }) }, ['__proto__']: { x: 1 } }, 'json')
  log.info([1, 2] as object, 'a list as fields')
  log.info({ cut: `${'a '.repeat(4090)}Zm9vYmFy${'x'.repeat(500)}` }, 'cut in a word')
  t.ok(text().length < 120_000, `${text().length} bytes for five lines`)
  t.match(lines()[0], { circular: { self: '[circular]' }, hostile: '[unreadable]' })
  t.match(JSON.stringify(lines()[0]), /"\[deep\]"/)
  t.match(lines()[1], {
    bytes: '[20 bytes]',
    when: '1970-01-01T00:00:00.000Z',
    never: null,
    f: '[function]',
    s: '[symbol]',
  })
  t.match(lines()[2], { view: { password: '[redacted]' } })
  t.match(lines()[3], { fields: [1, 2] })
  t.notMatch(text(), /hunter2|Zm9vYmFy/)
  fc.assert(
    fc.property(
      fc.anything({
        withBigInt: true,
        withDate: true,
        withMap: true,
        withSet: true,
        withNullPrototype: true,
        withSparseArray: true,
      }),
      value => {
        const one = memoryLog()
        one.log.info({ value }, 'anything')
        JSON.parse(one.text())
        return one.text().split('\n').length === 2
      },
    ),
    { numRuns: 500 },
  )
})

t.test('a secret between random texts does not get out', async () => {
  const noise = fc.string({ unit: fc.constantFrom(...'ab \t"\'=:;,&?/@.-_{}[]()\\\n%0Z'), maxLength: 40 })
  fc.assert(
    fc.property(
      noise,
      fc.constantFrom('password=', 'psk=', '"token":"', 'api_key=', 'Authorization: Bearer '),
      noise,
      (before, key, after) => {
        const secret = 'C4nary0123456789'
        return !redactText(`${before} ${key}${secret} ${after}`).includes(secret)
      },
    ),
    { numRuns: 3000 },
  )
})

t.test('the time grows with the length of a text, whatever the text', async t => {
  const pieces = [
    'a',
    '=',
    ':',
    '@',
    'a@',
    'a.',
    'eyJ',
    'eyJ-',
    'eyJa.',
    '://',
    '://a:',
    'a:b',
    '"',
    '\\',
    '\\"',
    '-',
    '--a ',
    ' ',
    'password',
    'password=',
    'password ',
    'bearer ',
    'basic a',
    'wifi ',
    'wpa ',
    'mosquitto_aa ',
    '-----BEGIN ',
    '-----BEGIN PRIVATE KEY-----',
    '%40',
    'a%3D',
    'WIFI:T:a;',
    'ghp_',
    '1',
    '\n',
    'é',
    '@a.',
    'a-b.',
  ]
  const millis = (text: string): number => {
    const began = performance.now()
    redactText(text)
    return performance.now() - began
  }
  millis('password=x')
  let worst = { ms: 0, text: '' }
  const measure = (unit: string): void => {
    const text = unit.repeat(Math.ceil(8192 / unit.length)).slice(0, 8192)
    const ms = Math.min(millis(text), millis(text), millis(text))
    if (ms > worst.ms) worst = { ms, text }
  }
  for (const a of pieces) {
    measure(a)
    for (const b of pieces) measure(a + b)
  }
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 8 }), list => {
      measure(list.join(''))
    }),
    { numRuns: 300 },
  )
  const cpu = new CpuTime()
  for (let n = 0; n < 5; n++) redactText(worst.text)
  const words = `${(cpu.ms / 5).toFixed(1)} ms of processor: ${JSON.stringify(worst.text.slice(0, 40))}`
  t.notOk(cpu.exceeds(5 * 100), `the worst 8 KiB take ${words}`)
})

t.test('a line of a request costs far less than 2 ms', async t => {
  const { log } = memoryLog()
  const fields = {
    requestId: '0190a3c2-1111-7222-8333-444455556666',
    method: 'GET',
    path: '/api/v1/boards/1',
    status: 200,
    durationMs: 3,
  }
  for (let n = 0; n < 2000; n++) log.info(fields, 'request')
  const began = performance.now()
  for (let n = 0; n < 2000; n++) log.info({ ...fields, path: `/api/v1/boards/${n}?x=1` }, 'request')
  const each = (performance.now() - began) / 2000
  t.ok(each < 2, `${(each * 1000).toFixed(0)} µs a line`)
})

t.test(
  'without a destination the lines go to stderr at once, and a reader that leaves does no harm',
  async t => {
    const source = `import { createLog } from ${JSON.stringify(new URL('../../src/ops/log.ts', import.meta.url).href)}
    const log = createLog('info')
    for (let n = 0; n < 2000; n++) log.info({ n, password: 'hunter2' }, 'x')
    process.stdout.write('still here')
    process.exit(0)`
    const args = ['--import', 'tsx', '--input-type=module', '-e', source]
    const whole = await run(process.execPath, args, { maxBuffer: 1e7, timeout: 60_000 })
    t.equal(whole.stdout, 'still here')
    t.equal(whole.stderr.trimEnd().split('\n').length, 2000)
    t.notMatch(whole.stderr, /hunter2/)
    const quoted = args.map(arg => `'${arg.replaceAll("'", "'\\''")}'`).join(' ')
    const cut = await run(
      'sh',
      ['-c', `{ '${process.execPath}' ${quoted} 2>&1 >&3 | head -n 1; } 3>&1 | cat`],
      { timeout: 60_000 },
    )
    t.match(cut.stdout, /still here/)
  },
)
