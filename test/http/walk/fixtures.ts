import { createHash, createHmac } from 'node:crypto'
import { TOTP } from 'otpauth'
import { eventually, ledmFile } from '../../support/pixelgate.ts'
import { type Answer, type Asked, password, type World } from './world.ts'

/** How one operation is called so that it does what it is for. */
export interface Fixture {
  readonly id: string
  /** Parameters of its path. */
  readonly params?: Readonly<Record<string, string>>
  readonly asked?: Asked
  /** Whose token is shown; the admin's when left out, nobody's for ''. */
  readonly as?: string
  /** Of the answer; 200 to 299 when left out. */
  readonly status?: number
  /** Something has to happen before. */
  readonly before?: () => Promise<unknown>
  /** What the calls after it need. */
  readonly after?: (answer: Answer) => unknown
}

type Part = (world: World) => readonly Fixture[]

const tus = { 'tus-resumable': '1.0.0' }
const base64 = (text: string) => Buffer.from(text).toString('base64')

const watching: Part = world => [
  { id: 'isAlive' },
  { id: 'getHealth' },
  { id: 'getMetrics' },
  { id: 'getMetricsSeries' },
  { id: 'getOpenApi' },
  { id: 'getSystem' },
  { id: 'getPerformance' },
  { id: 'startProfiler' },
  { id: 'stopProfiler' },
  { id: 'resetProfiler' },
  { id: 'makeCpuProfile', asked: { json: { seconds: 0.1 } } },
  { id: 'getCache' },
  { id: 'warmCache' },
  { id: 'clearCache' },
  { id: 'listUpstream' },
  { id: 'listBreakers' },
  {
    id: 'resetBreaker',
    get params() {
      return { name: world.id('breaker') }
    },
    before: async () => {
      const { json } = await world.call('GET', '/breakers', { token: world.tokens['admin'] })
      world.ids['breaker'] = json.breakers[0].name
    },
  },
]

const people: Part = world => [
  { id: 'getSetup' },
  { id: 'claimGateway', asked: { json: { claimCode: 'ABCDE-FGHJK', name: 'eve', password } }, status: 409 },
  {
    id: 'addUser',
    asked: { json: { name: 'carl', password, role: 'operator' } },
  },
  { id: 'listUsers' },
  {
    id: 'signIn',
    asked: { json: { name: 'carl', password } },
    as: '',
    after: ({ json }) => {
      world.tokens['carl'] = json.token
      world.ids['refresh'] = json.refreshToken
      world.ids['session'] = json.sessionId
    },
  },
  {
    id: 'refreshSession',
    get asked() {
      return { json: { refreshToken: world.id('refresh') } }
    },
    as: '',
    after: ({ json }) => {
      world.tokens['carl'] = json.token
    },
  },
  { id: 'getMe', as: 'carl' },
  {
    id: 'beginTotp',
    as: 'carl',
    after: ({ json }) => {
      world.ids['totp'] = json.secret
    },
  },
  {
    id: 'confirmTotp',
    as: 'carl',
    get asked() {
      return { json: { code: totpOf(world) } }
    },
  },
  { id: 'renewBackupCodes', as: 'carl' },
  { id: 'removeTotp', as: 'carl', asked: { json: { password } } },
  { id: 'resetTotp', params: { name: 'vera' }, before: () => secondFactor(world, 'viewer') },
  { id: 'listSessions', as: 'carl' },
  { id: 'endOtherSessions', as: 'carl' },
  {
    id: 'changePassword',
    as: 'carl',
    asked: { json: { current: password, password: `${password} again` } },
  },
  { id: 'changeUser', params: { name: 'carl' }, asked: { json: { role: 'viewer' } } },
  {
    id: 'endSession',
    get params() {
      return { id: world.id('session') }
    },
  },
  {
    id: 'signOut',
    before: async () => {
      const { json } = await world.call('POST', '/auth/sign-in', { json: { name: 'vera', password } })
      world.tokens['leaving'] = json.token
    },
    as: 'leaving',
  },
  { id: 'removeUser', params: { name: 'carl' } },
]

const credentials: Part = world => [
  {
    id: 'createToken',
    asked: { json: { name: 'script', scopes: ['boards:read'] } },
    after: ({ json }) => {
      world.tokens['script'] = json.secret
      world.ids['token'] = json.token.id
    },
  },
  { id: 'listTokens' },
  withId(world, 'deleteToken', 'token'),
  {
    id: 'createInvite',
    asked: { json: { role: 'viewer' } },
    after: ({ json }) => {
      world.ids['invite'] = json.invite.id
      world.ids['inviteCode'] = json.code
    },
  },
  { id: 'listInvites' },
  {
    id: 'lookAtInvite',
    get asked() {
      return { json: { code: world.id('inviteCode') } }
    },
    as: '',
  },
  {
    id: 'acceptInvite',
    get asked() {
      return { json: { code: world.id('inviteCode'), name: 'ines', password } }
    },
    as: '',
  },
  withId(world, 'deleteInvite', 'invite'),
  {
    id: 'createCallback',
    asked: { json: { name: 'bell', action: { type: 'command', command: { type: 'PLAY' } }, boards: 'all' } },
    after: ({ json }) => {
      world.ids['callback'] = json.callback.id
      world.ids['callbackSecret'] = json.secret
    },
  },
  { id: 'listCallbacks' },
  withId(world, 'getCallback', 'callback'),
  withId(world, 'changeCallback', 'callback', { json: { name: 'door' } }),
  also(withId(world, 'callCallback', 'callback'), {
    get asked() {
      return signed(world.id('callbackSecret'), '{}')
    },
    as: '',
  }),
  withId(world, 'deleteCallback', 'callback'),
  {
    id: 'createWebhook',
    asked: { json: { url: 'http://192.0.2.1/hook', events: ['job.done'] } },
    after: ({ json }) => {
      world.ids['webhook'] = json.webhook.id
    },
  },
  { id: 'listWebhooks' },
  withId(world, 'getWebhook', 'webhook'),
  withId(world, 'changeWebhook', 'webhook', { json: { events: ['job.failed'] } }),
  withId(world, 'testWebhook', 'webhook'),
  withId(world, 'listDeliveries', 'webhook'),
  withId(world, 'deleteWebhook', 'webhook'),
  {
    id: 'runBatch',
    asked: { json: { requests: [{ id: 'one', method: 'GET', path: '/boards?limit=1' }] } },
  },
  { id: 'listAudit' },
]

const boards: Part = world => [
  { id: 'listBoards' },
  ofBoard('getBoard'),
  ofBoard('changeBoard', { json: { powerCapMa: 2000 } }),
  ofBoard('getBoardWiring'),
  {
    ...ofBoard('setBoardWiring'),
    get asked() {
      return { json: JSON.parse(world.id('wiring')) }
    },
    before: async () => {
      const { text } = await world.call('GET', '/boards/window/wiring', { token: world.tokens['admin'] })
      world.ids['wiring'] = text
    },
  },
  ofBoard('getBoardPower'),
  ofBoard('setBoardPower', { json: { capMa: 1500 } }),
  ofBoard('commandBoard', { json: { type: 'brightness', level: 20 } }),
  ofBoard('playBoard'),
  ofBoard('stopBoard'),
  ofBoard('nextBoard'),
  ofBoard('previousBoard'),
  ofBoard('dimBoard', { json: { level: 30 } }),
  ofBoard('identifyBoard', { json: { ms: 10 } }),
  ofBoard('selectOnBoard', { json: { slot: 0 } }),
  {
    ...ofBoard('sendTestCard', { json: {} }),
    after: ({ json }) => jobDone(world, json.result.jobId),
  },
  ofBoard('getBoardLog'),
  { id: 'getGpio' },
  { id: 'simulateGpioLine', params: { name: 'stop' }, asked: { json: { action: 'press' } } },
  { id: 'setGpioLine', params: { name: 'pump' }, asked: { json: { active: true } } },
  { id: 'pulseGpioLine', params: { name: 'door' }, asked: { json: { ms: 10 } } },
  ofBoard('getBoardGpio'),
  ofBoard('resetBoard'),
  ofBoard('pairBoard', { json: {} }),
  ofBoard('unpairBoard', { query: { forget: 'true' } }),
  { id: 'forgetBoard', params: { id: 'away' } },
  ofBoard('rebootBoard'),
  { id: 'listPorts' },
  { id: 'listSerialBridges' },
  { id: 'approvePort', asked: { json: { path: '/dev/ttyUSB7', baudRate: 115_200 } } },
  { id: 'lendPort', asked: { json: { path: '/dev/ttyUSB7' }, leaveMs: 100 } },
  { id: 'revokePort', asked: { query: { path: '/dev/ttyUSB7' } } },
  { id: 'addMqttUser', asked: { json: { name: 'watcher' } } },
  { id: 'listMqttUsers' },
  { id: 'changeMqttUser', params: { name: 'watcher' }, asked: { json: { access: 'control' } } },
  { id: 'rotateMqttUser', params: { name: 'watcher' } },
  { id: 'removeMqttUser', params: { name: 'watcher' } },
]

const chat: Part = world => [
  {
    id: 'makeRoom',
    asked: { json: { name: 'Backstage' } },
    after: ({ json }) => {
      world.ids['room'] = json.room.id
    },
  },
  { id: 'listRooms' },
  withId(world, 'getRoom', 'room'),
  withId(world, 'addRoomMember', 'room', { json: { name: 'olga' } }),
  withId(world, 'postMessage', 'room', { json: { text: 'Good evening' } }),
  withId(world, 'listMessages', 'room'),
  {
    id: 'removeRoomMember',
    get params() {
      return { id: world.id('room'), name: 'olga' }
    },
  },
  withId(world, 'removeRoom', 'room'),
  { id: 'getPresence' },
  { id: 'makeLiveTicket' },
  { id: 'listLiveClients' },
  also(withId(world, 'endLiveClient', 'live'), { before: () => connectLive(world) }),
]

const patterns: Part = world => [
  {
    id: 'addPattern',
    asked: { query: { name: 'other.bin', tag: 'walk' }, bytes: ledmFile([4, 5]) },
    after: ({ json }) => {
      world.ids['other'] = json.pattern.id
    },
  },
  { id: 'listPatterns' },
  withId(world, 'getPattern', 'pattern'),
  withId(world, 'changePattern', 'pattern', { json: { addTags: ['noise'] } }),
  withId(world, 'listPatternVersions', 'pattern'),
  withId(world, 'fitPattern', 'pattern', { query: { board: 'window' } }),
  withId(world, 'getThumbnail', 'pattern'),
  withId(world, 'getPatternFile', 'pattern'),
  withId(world, 'exportPattern', 'pattern', { query: { format: 'gif' } }),
  withId(world, 'listCandidates', 'pattern'),
  withId(world, 'previewPattern', 'pattern'),
  { id: 'convertPattern', asked: { query: { to: 'gif', name: 'x.bin' }, bytes: ledmFile([1]) } },
  withId(world, 'removePattern', 'other'),
  { id: 'describeUploads', as: '' },
  {
    id: 'createFile',
    asked: {
      headers: { ...tus, 'upload-length': '100', 'upload-metadata': `filename ${base64('walk.bin')}` },
    },
    after: ({ headers }) => {
      world.ids['file'] = String(headers['location']).split('/').at(-1) ?? ''
    },
  },
  { id: 'listFiles' },
  withId(world, 'getFile', 'file'),
  withId(world, 'headFile', 'file', { headers: tus }),
  withId(world, 'appendToFile', 'file', piece('0', 'abc')),
  withId(world, 'overrideFile', 'file', {
    ...piece('3', 'def'),
    headers: { ...piece('3', 'def').headers, 'x-http-method-override': 'PATCH' },
  }),
  withId(world, 'removeFile', 'file', { headers: tus }),
]

const jobs: Part = world => [
  {
    id: 'makeJobs',
    get asked() {
      return { json: { patternId: world.id('pattern'), boards: ['window'] } }
    },
    after: async ({ json }) => {
      world.ids['job'] = json.jobs[0].id
      world.ids['batch'] = json.batchId
      await jobDone(world, json.jobs[0].id)
    },
  },
  { id: 'listJobs' },
  withId(world, 'getJob', 'job'),
  withId(world, 'getJobReport', 'job'),
  withId(world, 'getJobCheckpoint', 'job'),
  withId(world, 'listJobEvents', 'job'),
  also(withId(world, 'pauseJob', 'waiting'), {
    before: async () => {
      const asked = { patternId: world.id('pattern'), boards: ['away'] }
      const { json } = await world.call('POST', '/jobs', { token: world.tokens['admin'], json: asked })
      world.ids['waiting'] = json.jobs[0].id
    },
  }),
  withId(world, 'resumeJob', 'waiting'),
  withId(world, 'cancelJob', 'waiting'),
  also(withId(world, 'retryJob', 'waiting'), {
    after: ({ json }) => world.call('POST', `/jobs/${json.job.id}/cancel`, { token: world.tokens['admin'] }),
  }),
  ofBoard('previewBoard'),
  {
    id: 'watchEvents',
    get asked() {
      return { query: { batch: world.id('batch') }, leaveMs: 300 }
    },
  },
]

const backups: Part = world => [
  {
    id: 'makeBackup',
    after: ({ json }) => {
      world.ids['backup'] = json.backup.name
    },
  },
  { id: 'listBackups' },
  {
    id: 'downloadBackup',
    get params() {
      return { name: world.id('backup') }
    },
  },
  {
    id: 'removeBackup',
    get params() {
      return { name: world.id('backup') }
    },
  },
]

/** Last: after so many wrong codes an address has to wait. */
const alerts: Part = world => [
  { id: 'listAlerts' },
  also(withId(world, 'acknowledgeAlert', 'alert'), { before: () => raiseAlert(world) }),
]

/** Every operation once, in an order in which what one needs was made by those before. */
export const fixtures: Part = world =>
  [watching, people, credentials, patterns, jobs, boards, chat, backups, alerts].flatMap(part => part(world))

function withId(world: World, id: string, what: string, asked: Asked = {}, status?: number): Fixture {
  return {
    id,
    asked,
    ...(status !== undefined && { status }),
    get params() {
      return { id: world.id(what) }
    },
  }
}

/** What is made up only when it is needed stays so, which spreading would not leave it. */
const also = (fixture: Fixture, more: Partial<Fixture>): Fixture =>
  Object.defineProperties(fixture, Object.getOwnPropertyDescriptors(more))

const ofBoard = (id: string, asked: Asked = {}, status?: number): Fixture => ({
  id,
  asked,
  params: { id: 'window' },
  ...(status !== undefined && { status }),
})

const piece = (offset: string, text: string): Asked => ({
  bytes: text,
  headers: {
    ...tus,
    'upload-offset': offset,
    'content-type': 'application/offset+octet-stream',
    'upload-checksum': `sha256 ${createHash('sha256').update(text).digest('base64')}`,
  },
})

/** As Standard Webhooks has it. */
function signed(secret: string, body: string): Asked {
  const [id, seconds] = ['msg_1', String(Math.floor(Date.now() / 1000))]
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64')
  const signature = createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')
  return {
    bytes: body,
    headers: { 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': `v1,${signature}` },
  }
}

const totpOf = (world: World): string => new TOTP({ secret: world.id('totp') }).generate()

const jobDone = (world: World, id: string) =>
  eventually(async () => {
    const { json } = await world.call('GET', `/jobs/${id}`, { token: world.tokens['admin'] })
    return json.job.state === 'done'
  }, 'the job')

/** So many wrong codes look like an attack. */
async function raiseAlert(world: World): Promise<void> {
  for (let tries = 0; tries <= 10; tries++)
    await world.call('POST', '/invites/look', { json: { code: 'ABCDE-FGHJK' } })
  world.ids['alert'] = await eventually(async () => {
    const { json } = await world.call('GET', '/alerts', { token: world.tokens['admin'] })
    return json.alerts.find(({ code }: { code: string }) => code === 'auth_failures')?.id
  }, 'the alert')
}

async function connectLive(world: World): Promise<void> {
  const token = world.tokens['admin']
  const { json } = await world.call('POST', '/auth/ws-ticket', { token })
  await world.connect(`/ws?ticket=${json.ticket}`)
  const { clients } = (await world.call('GET', '/live/clients', { token })).json
  world.ids['live'] = clients.at(-1).id
}

async function secondFactor(world: World, who: string): Promise<void> {
  const token = world.tokens[who]
  const { json } = await world.call('POST', '/auth/totp', { token })
  const code = new TOTP({ secret: json.secret }).generate()
  await world.call('POST', '/auth/totp/confirm', { token, json: { code } })
}
