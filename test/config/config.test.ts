import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { bridgeName } from '../../src/config/bridge-schema.ts'
import { describeConfig } from '../../src/config/describe-config.ts'
import type { ConfigFault } from '../../src/config/fault.ts'
import { leaves } from '../../src/config/leaf.ts'
import { loadConfig } from '../../src/config/load-config.ts'
import { type Config, type ConfigSources, resolveConfig } from '../../src/config/resolve-config.ts'
import { AppError } from '../../src/kernel/errors.ts'
import { defaultLimits } from '../../src/pattern/limits.ts'

const user = { uid: 1000, homeDir: '/home/pi' }
const path = '/etc/pixelgate.json'

const resolve = (sources: Omit<Partial<ConfigSources>, 'file'> & { file?: unknown } = {}): Config => {
  const { file, ...rest } = sources
  const text = typeof file === 'string' ? file : JSON.stringify(file)
  return resolveConfig({
    env: {},
    flags: {},
    user,
    ...rest,
    file: file === undefined ? undefined : { path, text },
  })
}

const faultsOf = (
  sources: Parameters<typeof resolve>[0],
): { faults: readonly ConfigFault[]; message: string } => {
  try {
    resolve(sources)
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'config_invalid') throw error
    return { faults: error.detail?.['faults'] as ConfigFault[], message: error.message }
  }
  throw new Error('the configuration was taken')
}
const pathsOf = (sources: Parameters<typeof resolve>[0]): string[] =>
  faultsOf(sources).faults.map(fault => fault.path)

t.test('without a word from the user every key has its default', async t => {
  const { origin, ...settings } = resolve()
  t.same(settings, {
    stateDir: '/home/pi/.local/state/pixelgate',
    controlSocket: '/home/pi/.local/state/pixelgate/control.sock',
    links: [],
    discovery: 'known',
    http: {
      host: '0.0.0.0',
      port: 8443,
      tls: 'auto',
      certFile: null,
      keyFile: null,
      hosts: [],
      guest: 'off',
      landingPort: 8080,
      corsOrigins: [],
      trustedProxies: [],
      maxConnections: 2000,
      maxConnectionsPerAddress: 256,
      maxLivePerPerson: 16,
    },
    mdns: { enabled: true, name: 'pixelgate' },
    mqtt: {
      listeners: [{ host: '127.0.0.1', port: 1883, anonymous: false, tls: false, plain: false }],
      maxPacketBytes: 262_144,
      maxClients: 512,
      maxClientsPerAddress: 128,
      maxMessagesPerSecond: 20_000,
      maxQueuedBytes: 16_777_216,
      maxQueuedBytesPerUser: 12_582_912,
      maxQueuedMessagesPerUser: 25_000,
      maxRetainedBytes: 16_777_216,
      maxRetainedMessages: 10_000,
      maxRetainedBytesPerUser: 1_048_576,
      maxRetainedMessagesPerUser: 1000,
      sessionExpiryHours: 24,
      homeAssistant: { enabled: true, prefix: 'homeassistant', birthTopic: null },
      upstream: [],
    },
    gpio: {
      enabled: false,
      backend: 'auto',
      chip: 'auto',
      buttons: [],
      statusLed: null,
      resetLines: [],
      lines: [],
    },
    pattern: defaultLimits,
    webhooks: { allowHosts: [] },
    backup: { nightly: true, at: '03:17', keep: 7 },
    log: { level: 'info' },
    development: false,
  })
  t.same([...new Set([...origin.values()].map(each => each.layer))], ['default'])
  t.same(
    [...origin.keys()],
    leaves.map(leaf => leaf.path),
  )
  t.same(resolve({ file: {} }), resolve())
})

t.test('state and socket lie where the system wants them', async t => {
  const at = (env: Record<string, string>, uid: number | undefined = 1000) => {
    const { stateDir, controlSocket } = resolve({ env, user: { ...user, uid } })
    return [stateDir, controlSocket]
  }
  const service = { STATE_DIRECTORY: '/var/lib/pixelgate:/x', RUNTIME_DIRECTORY: '/run/pixelgate' }
  t.same(at(service), ['/var/lib/pixelgate', '/run/pixelgate/control.sock'])
  t.same(at({}, 0), ['/var/lib/pixelgate', '/var/lib/pixelgate/control.sock'])
  const session = { XDG_STATE_HOME: '/home/pi/state', XDG_RUNTIME_DIR: '/run/user/1000' }
  t.same(at(session), ['/home/pi/state/pixelgate', '/run/user/1000/pixelgate/control.sock'])
  const relative = { XDG_STATE_HOME: 'state', XDG_RUNTIME_DIR: 'run', STATE_DIRECTORY: '' }
  const home = '/home/pi/.local/state/pixelgate'
  t.same(at(relative), [home, `${home}/control.sock`])
  t.same(at({ PIXELGATE_STATE_DIR: '/srv/leds' }), ['/srv/leds', '/srv/leds/control.sock'])
})

t.test('flags win over the environment, it over the file, and that over the defaults', async t => {
  const file = {
    discovery: 'all',
    http: { host: '10.0.0.1', port: 1, tls: 'insecure' },
    links: [{ kind: 'serial', path: '/dev/ttyUSB0' }],
    log: { level: 'warn' },
  }
  const env = {
    PIXELGATE_HTTP_PORT: '2',
    PIXELGATE_HTTP_HOST: '10.0.0.2',
    PIXELGATE_GPIO_ENABLED: 'true',
    PATH: '/bin',
  }
  const flags = { 'http-port': '3', 'log-level': 'debug', discovery: undefined }
  const config = resolve({ file, env, flags })
  t.match(config, {
    discovery: 'all',
    http: { host: '10.0.0.2', port: 3, tls: 'insecure', certFile: null },
    links: [{ kind: 'serial', path: '/dev/ttyUSB0', baudRate: 115_200 }],
    gpio: { enabled: true },
    log: { level: 'debug' },
  })
  const from = Object.fromEntries(describeConfig(config).map(line => [line.path, line.from]))
  t.match(from, {
    stateDir: 'default',
    discovery: `file ${path}`,
    links: `file ${path}`,
    'http.host': 'variable PIXELGATE_HTTP_HOST',
    'http.port': 'flag --http-port',
    'http.tls': `file ${path}`,
    'http.certFile': 'default',
    'log.level': 'flag --log-level',
  })
  const port = describeConfig(config).find(line => line.path === 'http.port')
  t.match(port, { value: 3, variable: 'PIXELGATE_HTTP_PORT', flag: '--http-port' })
})

t.test('origins and proxies are said exactly, or not at all', t => {
  const pathsOf = (key: string, values: readonly unknown[]) =>
    values.map(value => faultsOf({ file: { http: { [key]: [value] } } }).faults[0]?.path ?? 'fine')
  const origins = [
    '*',
    'null',
    'https://a.example/',
    'https://A.example',
    'https://a.example:443',
    'ws://a.example',
  ]
  t.same(pathsOf('corsOrigins', origins), Array(6).fill('http.corsOrigins[0]'))
  const proxies = ['any', '10.0.0.0/33', '10.0.0/8', 'fd00::/129', '10.0.0.0/8/8', '10.0.0.0/', '']
  t.same(pathsOf('trustedProxies', proxies), Array(7).fill('http.trustedProxies[0]'))
  for (const name of ['Pixelgate', 'a.b', '-a', 'a-', '', 'x'.repeat(61)])
    t.same(faultsOf({ file: { mdns: { name } } }).faults[0]?.path, 'mdns.name', name)
  t.end()
})

t.test('every leaf has a variable and a flag, and both take what the file takes', async t => {
  const values: Record<string, unknown> = {
    stateDir: '/srv/state',
    controlSocket: '/run/x.sock',
    links: [{ kind: 'tcp', host: 'board.local', port: 7000 }],
    discovery: 'off',
    'http.host': '::1',
    'http.port': 0,
    'http.tls': 'insecure',
    'http.certFile': '/etc/cert.pem',
    'http.keyFile': null,
    'http.hosts': ['lamps.example'],
    'http.guest': 'view',
    'http.landingPort': null,
    'http.corsOrigins': ['https://house.example', 'http://192.0.2.9:3000'],
    'http.trustedProxies': ['127.0.0.1', 'fd00::/8'],
    'http.maxConnections': 300,
    'http.maxConnectionsPerAddress': 30,
    'http.maxLivePerPerson': 20,
    'mdns.enabled': false,
    'mdns.name': 'stage-left',
    'mqtt.listeners': [],
    'mqtt.maxPacketBytes': 1_048_576,
    'mqtt.maxClients': 64,
    'mqtt.maxClientsPerAddress': 8,
    'mqtt.maxMessagesPerSecond': 50,
    'mqtt.maxQueuedBytes': 1_048_576,
    'mqtt.maxQueuedBytesPerUser': 65_536,
    'mqtt.maxQueuedMessagesPerUser': 100,
    'mqtt.maxRetainedBytes': 2_097_152,
    'mqtt.maxRetainedMessages': 500,
    'mqtt.maxRetainedBytesPerUser': 32_768,
    'mqtt.maxRetainedMessagesPerUser': 20,
    'mqtt.sessionExpiryHours': 2,
    'mqtt.homeAssistant.enabled': false,
    'mqtt.homeAssistant.prefix': 'home',
    'mqtt.homeAssistant.birthTopic': 'home/born',
    'mqtt.upstream': [],
    'gpio.enabled': true,
    'gpio.backend': 'memory',
    'gpio.chip': 'pinctrl-rp1',
    'gpio.buttons': [{ line: 17, action: 'next', activeLow: true, debounceMs: 20 }],
    'gpio.statusLed': { line: 22, activeLow: true },
    'gpio.resetLines': [{ board: 'stage', line: 23, activeLow: true, pulseMs: 100 }],
    'gpio.lines': [{ kind: 'input', line: 5, activeLow: false, bias: 'as-is', debounceMs: 0 }],
    'pattern.maxLeds': 1024,
    'pattern.maxFrames': 5000,
    'pattern.maxSide': 64,
    'pattern.maxBytes': 1_000_000,
    'pattern.maxFileBytes': 2_000_000,
    'webhooks.allowHosts': ['127.0.0.1'],
    'backup.nightly': false,
    'backup.at': '04:30',
    'backup.keep': 3,
    development: true,
    'log.level': 'silent',
  }
  t.same(
    leaves.map(leaf => leaf.path),
    Object.keys(values),
  )
  for (const leaf of leaves) {
    const value = values[leaf.path]
    const text = value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value)
    for (const config of [
      resolve({ env: { [leaf.variable]: text } }),
      resolve({ flags: { [leaf.flag]: text } }),
    ]) {
      t.same(describeConfig(config).find(line => line.path === leaf.path)?.value, value, leaf.path)
    }
  }
})

t.test('all faults are told at once, each with its path, its source and the kind of the value', async t => {
  const { faults, message } = faultsOf({
    file: {
      stateDir: 'var/lib',
      discovery: 'maybe',
      http: { tls: 'files', prot: 1, host: 5, port: 1.5 },
      log: 7,
      mqtt: null,
      nonsense: { deep: true },
    },
    env: {
      PIXELGATE_HTTP_PORT: '70000',
      PIXELGATE_NONSENSE: 'x',
      PIXELGATE_MQTT_LISTENERS: '{',
      PIXELGATE_LINKS:
        '[{"kind":"serial","path":"/dev/a","baudRate":1},{"kind":"usb"},{"kind":"tcp","host":"a b","port":true}]',
    },
    flags: { 'gpio-enabled': 'yes', 'no-such': '' },
  })
  const file = { layer: 'file', name: path }
  const links = { layer: 'environment', name: 'PIXELGATE_LINKS' }
  const expected = [
    { path: '', origin: { layer: 'environment', name: 'PIXELGATE_NONSENSE' }, kind: undefined },
    { path: '', origin: { layer: 'flag', name: '--no-such' } },
    { path: 'stateDir', origin: file, kind: 'text', message: /absolute path/ },
    { path: 'discovery', origin: file, kind: 'text', message: 'must be known or all or off' },
    { path: 'http.tls', origin: file },
    { path: 'http.prot', origin: file, message: 'there is no such key' },
    { path: 'http.host', origin: file, kind: 'a number', message: 'must be text' },
    {
      path: 'http.port',
      origin: { layer: 'environment' },
      kind: 'a number',
      message: 'must be at most 65535',
    },
    { path: 'http.certFile', origin: { layer: 'default' }, message: /must name a file/ },
    { path: 'http.keyFile', origin: { layer: 'default' }, message: /must name a file/ },
    { path: 'log', origin: file, kind: 'a number', message: 'must be an object' },
    { path: 'mqtt', origin: file, kind: 'null' },
    { path: 'nonsense', origin: file, message: 'there is no such key' },
    { path: 'links[0].baudRate', origin: links, kind: 'a number', message: 'must be at least 300' },
    { path: 'links[1].kind', origin: links, kind: 'text', message: 'must be serial or tcp' },
    { path: 'links[2].host', origin: links, kind: 'text', message: /host name or an IP/ },
    { path: 'links[2].port', origin: links, kind: 'a boolean', message: 'must be a number' },
    { path: 'gpio.enabled', origin: { layer: 'flag', name: '--gpio-enabled' }, kind: 'text' },
  ].filter(each => each.path !== 'http.tls')
  for (const each of expected) {
    t.match(
      faults.find(fault => fault.path === each.path && fault.origin.name.startsWith(each.origin.name ?? '')),
      each,
    )
  }
  t.equal(faults.length, expected.length, message)
  t.match(message, /^the configuration has 17 faults:\n/)
  t.match(message, `  discovery: must be known or all or off (text, from file ${path})`)
  t.match(
    faultsOf({ file: { http: { port: 1.5 } } }).message,
    /one fault:\n {2}http.port: must be a whole number \(a number/,
  )
})

t.test('a file that is no JSON object is refused without a word of what it says', async t => {
  const broken = faultsOf({ file: '{\n  "http": {},\n  "password": "hunter2",\n}' })
  t.match(broken.faults, [{ path: '', message: 'must be JSON: look at line 4', origin: { name: path } }])
  t.notMatch(broken.message, /hunter2/)
  t.match(faultsOf({ file: '' }).faults, [{ message: 'must be JSON' }])
  t.match(faultsOf({ file: '[]' }).faults, [{ message: 'must be an object', kind: 'a list' }])
  t.match(faultsOf({ file: 'null' }).faults, [{ message: 'must be an object', kind: 'null' }])
  t.equal(resolve({ file: '\uFEFF{"discovery":"off"}' }).discovery, 'off')
  t.match(faultsOf({ env: { PIXELGATE_LINKS: 'hunter2' } }).faults, [
    { path: 'links', message: 'must be a list', kind: 'text' },
  ])
  const deep = `{"links":${'['.repeat(50_000)}${']'.repeat(50_000)}}`
  t.same(pathsOf({ file: deep }), ['links[0]'])
})

t.test('a socket path that the system cannot hold is a fault, wherever it came from', async t => {
  const longest = `/${'x'.repeat(106)}`
  t.equal(resolve({ flags: { 'control-socket': longest } }).controlSocket, longest)
  t.same(pathsOf({ flags: { 'control-socket': `${longest}x` } }), ['controlSocket'])
  t.same(
    pathsOf({ flags: { 'control-socket': `/${'ü'.repeat(54)}` } }),
    ['controlSocket'],
    'bytes count, not letters',
  )
  t.same(pathsOf({ file: { stateDir: longest } }), ['controlSocket'])
  t.same(pathsOf({ file: { stateDir: '/a\0b' } }), ['stateDir'])
})

t.test('one link or address named twice is a fault', async t => {
  const [usb, tcp] = [
    { kind: 'serial', path: '/dev/ttyUSB0' },
    { kind: 'tcp', host: 'a', port: 1 },
  ]
  t.equal(resolve({ file: { links: [usb, tcp, { ...tcp, port: 2 }] } }).links.length, 3)
  t.same(pathsOf({ file: { links: [usb, tcp, { ...usb, baudRate: 9600 }] } }), ['links'])
  t.same(pathsOf({ file: { links: [tcp, tcp, { kind: 'tcp' }, { kind: 'tcp' }] } }).sort(), [
    'links',
    'links[2].host',
    'links[2].port',
    'links[3].host',
    'links[3].port',
  ])
  const at = { host: '0.0.0.0', port: 1883 }
  t.same(pathsOf({ file: { mqtt: { listeners: [at, at] } } }), ['mqtt.listeners'])
  t.equal(
    resolve({
      file: {
        mqtt: {
          listeners: [
            { ...at, port: 0 },
            { ...at, port: 0 },
          ],
        },
      },
    }).mqtt.listeners.length,
    2,
  )
})

t.test('a line that is bridged has its defaults, and a topic and a name of its own', t => {
  const usb = { kind: 'serial', path: '/dev/ttyUSB0', mode: 'bridge' } as const
  const tcp = { kind: 'tcp', host: '192.0.2.7', port: 4001, mode: 'bridge' } as const
  const shared = {
    framing: 'line',
    newline: '\n',
    lengthBytes: 2,
    lengthEndian: 'big',
    encoding: 'utf-8',
    maxFrameBytes: 4096,
    maxMessagesPerSecond: 100,
    maxQueuedBytes: 16_384,
    retain: false,
    qos: 1,
  }
  const { links } = resolve({
    file: {
      links: [usb, { ...tcp, topic: 'lab/scope', newline: '\r\n' }, { kind: 'tcp', host: 'a', port: 1 }],
    },
  })
  t.same(links, [
    { ...usb, ...shared, baudRate: 115_200, dataBits: 8, parity: 'none', stopBits: 1 },
    { ...tcp, ...shared, topic: 'lab/scope', newline: '\r\n' },
    { kind: 'tcp', host: 'a', port: 1 },
  ])
  t.same(links.slice(0, 2).map(bridgeName), ['ttyUSB0', '192.0.2.7-4001'])
  t.equal(bridgeName({ kind: 'tcp', host: 'fe80::1%eth0', port: 1 }), 'fe80--1-eth0-1')
  const wrong = (...given: object[]) =>
    faultsOf({ file: { links: given } }).faults.map(({ path: at, message }) => `${at}: ${message}`)
  for (const topic of [
    '',
    'a//b',
    '/a',
    'a/',
    'a/+',
    'a/#',
    'a#',
    'a\0',
    'x'.repeat(257),
    `${'a/'.repeat(16)}a`,
  ])
    t.match(wrong({ ...usb, topic }), [/^links\[0\]\.topic: must be a topic/], JSON.stringify(topic))
  for (const topic of ['$SYS/x', 'pixelgate/a', 'pixelgate', 'homeassistant/x'])
    t.match(wrong({ ...usb, topic }), [/must not begin with/], topic)
  for (const [one, other] of [
    ['a/b', 'a/b'],
    ['a', 'a/b/c'],
    ['a/b', 'a'],
  ])
    t.match(
      wrong({ ...usb, topic: one }, { ...tcp, topic: other }),
      [/^links\[1\]\.topic: .*above or below/],
      `${one} and ${other}`,
    )
  t.equal(
    resolve({
      file: {
        links: [
          { ...usb, topic: 'a' },
          { ...tcp, topic: 'ab' },
        ],
      },
    }).links.length,
    2,
  )
  t.match(wrong(usb, { ...tcp, name: 'ttyUSB0' }), [/^links\[1\]\.name: .*no other bridge/])
  t.same(
    wrong(
      { ...usb, newline: 'x', lengthBytes: 3, qos: 2, parity: 'odd', maxBaudRate: 9600 },
      { ...tcp, mode: 'both' },
      { ...tcp, port: 1, parity: 'odd' },
    ).sort(),
    [
      'links[0].lengthBytes: must be 1 or 2 or 4',
      'links[0].maxBaudRate: there is no such key',
      'links[0].newline: must be "\\n" or "\\r\\n" or "\\r"',
      'links[0].qos: must be 0 or 1',
      'links[1].mode: must be board or bridge',
      'links[2].parity: there is no such key',
    ],
  )
  t.match(wrong({ kind: 'serial', path: '/dev/a', topic: 'x' }), ['links[0].topic: there is no such key'])
  t.end()
})

t.test('MQTT without a user name is for loopback alone', async t => {
  const listeners = (...hosts: string[]) => ({
    mqtt: { listeners: hosts.map((host, i) => ({ host, port: 1883 + i, anonymous: true })) },
  })
  const local = listeners('127.0.0.1', '127.1.2.3', '::1', 'localhost', '::ffff:127.0.0.1')
  t.equal(resolve({ file: local }).mqtt.listeners.length, 5)
  const open = faultsOf({ file: listeners('0.0.0.0', '::', '192.168.1.2', '127.0.0.1.example.org') })
  t.same(
    open.faults.map(fault => fault.path),
    [0, 1, 2, 3].map(i => `mqtt.listeners[${i}].anonymous`),
  )
  t.match(open.message, /everybody could command the boards.*pixelgate mqtt-user add/)
})

t.test('buttons, LED and reset lines of GPIO have their defaults', async t => {
  const { gpio } = resolve({
    file: {
      gpio: {
        enabled: true,
        buttons: [{ line: 17, action: 'next' }],
        statusLed: { line: 22 },
        resetLines: [{ board: 'stage', line: 23 }],
      },
    },
  })
  t.same(gpio, {
    enabled: true,
    backend: 'auto',
    chip: 'auto',
    buttons: [{ line: 17, action: 'next', activeLow: true, debounceMs: 20 }],
    statusLed: { line: 22, activeLow: false },
    resetLines: [{ board: 'stage', line: 23, activeLow: true, pulseMs: 100 }],
    lines: [],
  })
  const lines = [
    { kind: 'input', line: 5 },
    { kind: 'output', line: 6, name: 'pump' },
  ]
  t.same(resolve({ file: { gpio: { lines } } }).gpio.lines, [
    { kind: 'input', line: 5, activeLow: true, debounceMs: 20 },
    { kind: 'output', line: 6, name: 'pump', activeLow: false, initial: false, maxPulseMs: 1000 },
  ])
  const led = (text: string) => resolve({ env: { PIXELGATE_GPIO_STATUS_LED: text } }).gpio.statusLed
  t.same(led('{"line":22,"activeLow":true}'), { line: 22, activeLow: true })
  t.equal(led(''), null)
  t.match(faultsOf({ env: { PIXELGATE_GPIO_STATUS_LED: '{"line":"x"}' } }).faults, [
    { path: 'gpio.statusLed.line', origin: { name: 'PIXELGATE_GPIO_STATUS_LED' }, kind: 'text' },
  ])
})

t.test('a line, a name or a board that is used twice in GPIO is a fault, said with all others', async t => {
  const { faults } = faultsOf({
    file: {
      gpio: {
        chip: 'two words',
        buttons: [
          { line: 17, action: 'explode', name: 'status-led' },
          { line: 17, action: 'next', debounceMs: 2000 },
          { line: -1, action: 'stop', name: 'a' },
          { line: 18, action: 'stop', name: 'a' },
          { line: 19, action: 'stop', name: 'reset-stage' },
          7,
        ],
        statusLed: { line: 18 },
        resetLines: [{ board: 'stage', line: 20, pulseMs: 60_000 }, { board: 'stage', line: 21 }, {}],
        lines: [
          { kind: 'output', line: 17 },
          { kind: 'output', line: 30, name: 'input-31', maxPulseMs: 60_001 },
          { kind: 'input', line: 31 },
          { kind: 'both', line: 32 },
          { kind: 'input', line: 33, initial: true },
        ],
        volume: 11,
      },
    },
  })
  t.same(faults.map(({ path: at, message }) => `${at}: ${message}`).sort(), [
    'gpio.buttons[0].action: must be next or previous or stop or play or identify',
    'gpio.buttons[0].name: must be a name that nothing else here has',
    'gpio.buttons[1].debounceMs: must be at most 1000',
    'gpio.buttons[1].line: must be a line that nothing else here uses',
    'gpio.buttons[2].line: must be at least 0',
    'gpio.buttons[3].name: must be a name that nothing else here has',
    'gpio.buttons[4].name: must be a name that nothing else here has',
    'gpio.buttons[5]: must be an object',
    'gpio.chip: must be auto, or the label or name of a GPIO chip',
    'gpio.lines[0].line: must be a line that nothing else here uses',
    'gpio.lines[1].maxPulseMs: must be at most 60000',
    'gpio.lines[1].name: must be a name that nothing else here has',
    'gpio.lines[3].kind: must be input or output',
    'gpio.lines[4].initial: there is no such key',
    'gpio.resetLines[0].pulseMs: must be at most 2000',
    'gpio.resetLines[1].board: must be a board that has no other reset line',
    'gpio.resetLines[2].board: must be text',
    'gpio.resetLines[2].line: must be a number',
    'gpio.statusLed.line: must be a line that nothing else here uses',
    'gpio.volume: there is no such key',
  ])
  const many = Array.from({ length: 17 }, (_, line) => ({ line, action: 'next' }))
  t.same(pathsOf({ file: { gpio: { buttons: many } } }), ['gpio.buttons'])
  t.same(pathsOf({ file: { gpio: [] } }), ['gpio'])
  t.same(pathsOf({ file: { gpio: { buttons: {}, resetLines: 1 } } }).sort(), [
    'gpio.buttons',
    'gpio.resetLines',
  ])
})

t.test('files of a certificate satisfy tls: files', async t => {
  const http = { tls: 'files', certFile: '/etc/cert.pem', keyFile: '/etc/key.pem' }
  t.match(resolve({ file: { http } }).http, http)
  t.same(pathsOf({ file: { http: { ...http, keyFile: null } } }), ['http.keyFile'])
})

t.test('__proto__ is refused at any depth and pollutes nothing', async t => {
  t.same(pathsOf({ file: '{"__proto__":{"discovery":"off"}}' }), ['__proto__'])
  t.same(pathsOf({ file: '{"http":{"__proto__":{"port":1}}}' }), ['http.__proto__'])
  t.same(pathsOf({ file: '{"constructor":{"prototype":{"x":1}}}' }), ['constructor'])
  const env = { PIXELGATE_LINKS: '[{"kind":"tcp","host":"a","port":1,"__proto__":{"baudRate":1}}]' }
  t.same(pathsOf({ env }), ['links[0].__proto__'])
  t.equal(Object.hasOwn(Object.prototype, 'discovery'), false)
})

t.test('whatever is in the file and the environment, it is taken whole or refused in words', async () => {
  const keys = [
    'stateDir',
    'links',
    'http',
    'port',
    'tls',
    'mqtt',
    'listeners',
    'kind',
    '__proto__',
    'log',
    'level',
  ]
  const key = fc.oneof(fc.constantFrom(...keys), fc.string())
  const { tree } = fc.letrec(tie => ({
    tree: fc.oneof(
      { maxDepth: 3 },
      fc.jsonValue({ maxDepth: 1 }),
      fc.dictionary(key, tie('tree')),
      fc.array(tie('tree')),
    ),
  }))
  const variables = fc.dictionary(
    fc.constantFrom(...leaves.map(leaf => leaf.variable), 'PIXELGATE_X'),
    fc.string(),
  )
  fc.assert(
    fc.property(fc.dictionary(key, tree), variables, (file, env) => {
      try {
        const config = resolve({ file, env })
        return Object.getPrototypeOf(config) === Object.prototype
      } catch (error) {
        return (
          error instanceof AppError && error.code === 'config_invalid' && !error.message.includes('undefined')
        )
      }
    }),
    { numRuns: 200 },
  )
})

t.test('loading reads the file and the environment of the process', async t => {
  const folder = t.testdir({ 'good.json': '{"discovery":"all"}', folder: {} })
  const good = join(folder, 'good.json')
  t.equal((await loadConfig({ file: good, env: {}, user })).discovery, 'all')
  t.match((await loadConfig({ env: { HOME: '/nowhere' } })).stateDir, /pixelgate$/)
  process.env['PIXELGATE_DISCOVERY'] = 'off'
  t.teardown(() => delete process.env['PIXELGATE_DISCOVERY'])
  t.match((await loadConfig({ file: good })).origin.get('discovery'), { name: 'PIXELGATE_DISCOVERY' })
  const refusal = (file: string, message: RegExp) =>
    t.rejects(loadConfig({ file, env: {}, user }), { code: 'config_invalid', message })
  await refusal(join(folder, 'absent.json'), /absent.json does not exist/)
  await refusal(join(folder, 'folder'), /is a folder/)
  await refusal(join(good, 'below'), /cannot be read \(ENOTDIR\)/)
  writeFileSync(good, ' '.repeat(1_000_001))
  await refusal(good, /too large/)
})
