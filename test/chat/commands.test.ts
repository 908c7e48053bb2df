import fc from 'fast-check'
import t from 'tap'
import { Commands, isCommand } from '../../src/chat/commands.ts'
import { readUpload } from '../../src/chat/upload-command.ts'
import { boardId, jobId } from '../../src/kernel/ids.ts'
import type { Log } from '../../src/kernel/log.ts'
import type { JobRecord } from '../../src/store/tables/job-record.ts'
import { jobReport } from '../../src/tools/job-report.ts'
import { bytesText, durationText, listText } from '../../src/tools/quantities.ts'
import type { ToolContext } from '../../src/tools/tool.ts'
import { tools } from '../../src/tools/tools.ts'
import { noStats } from '../../src/upload/run-stats.ts'
import { ledmFile, numbers } from '../support/pixelgate.ts'
import type { Bench } from '../upload/upload-rig.ts'
import { noise } from '../upload/upload-rig.ts'
import { type ChatRig, chatRig, local } from './chat-rig.ts'

const config = (boardName: string) => ({ config: { boardName, width: 8, height: 8, leds: 64 } })
const file = (seed = 0) => ledmFile(numbers(seed, 4))

async function board(
  rig: ChatRig,
  uuidByte: number,
  name: string,
  baudRate: number | null = null,
): Promise<Bench> {
  return rig.upload.present(rig.upload.board(uuidByte, { baudRate, ...config(name) }))
}

/** Runs time until the gateway has said something that fits. */
async function said(rig: ChatRig, words: RegExp): Promise<string> {
  const find = () => rig.heard['chat.message'].find(({ message }) => words.test(message.text))
  await rig.upload.when(() => find() !== undefined, `line like ${words}`)
  return find()?.message.text ?? ''
}

t.test('the gateway answers /boards, /jobs, /status and /help in the room', async t => {
  const rig = await chatRig(t, { health: async () => ({ status: 'ok', score: 97 }) })
  const anna = await rig.user('anna', 'viewer')
  t.match(await rig.ask(anna, '/boards'), /knows no board yet/)
  t.equal(await rig.ask(anna, '/jobs'), 'Nothing has been uploaded yet.')
  await board(rig, 1, 'Shelf')
  const window = await board(rig, 2, 'Window')
  window.unplug()
  await rig.upload.when(() => rig.upload.core.registry.session(window.id) === undefined, 'the end of a board')
  await rig.upload.pass(2000)
  t.match(
    await rig.ask(anna, '/boards'),
    /^Shelf \(8×8\): connected, stopped, brightness \d+\nWindow \(8×8\): away$/,
  )
  t.match(
    await rig.ask(anna, ' /STATUS '),
    /^pixelgate 1\.2\.3, up for .+\nhealth: ok, 97 of 100\n1 of 2 boards connected\n0 uploads running, 0 waiting$/,
  )
  const help = await rig.ask(anna, '/help')
  t.match(help, /\/upload PATTERN BOARD\[,BOARD\] – sends a stored pattern to boards\n/)
  t.match(help, /\/help – this list$/)
  const [answer, question] = (await rig.chat.messages(anna, rig.chat.commonRoomId)).messages
  t.match(answer, { kind: 'reply', author: null })
  t.match(question, { kind: 'text', author: 'anna', text: '/help' }, 'the question stays as well')
})

t.test('a token gets from a command what its scopes give it, and nothing else', async t => {
  const rig = await chatRig(t)
  const anna = await rig.user('anna', 'operator')
  const asks = async (text: string, ...scopes: string[]) =>
    rig.ask({ ...anna, kind: 'token', scopes: ['rooms:write', ...scopes] }, text)
  for (const [command, scope, answer] of [
    ['/boards', 'boards:read', /knows no board yet/],
    ['/jobs', 'jobs:read', /Nothing has been uploaded/],
    ['/status', 'system:read', /pixelgate 1/],
    ['/upload x all', 'jobs:write', /There is no pattern called/],
  ] as const) {
    t.match(await asks(command), `needs the scope ${scope}`)
    t.match(await asks(command, 'audit:read', 'patterns:*'), `needs the scope ${scope}`)
    t.match(await asks(command, scope), answer)
  }
  t.match(await asks('/help'), /this list/)
})

t.test('an unknown command and a wrong use get a helpful answer; two slashes are no command', async t => {
  const rig = await chatRig(t)
  const anna = await rig.user('anna')
  t.match(await rig.ask(anna, '/bords'), /^There is no command \/bords\. These are:\n\/boards – /)
  t.match(await rig.ask(anna, '/toString'), /^There is no command/)
  t.equal(await rig.ask(anna, '/boards all'), 'It takes nothing after its name. Use: /boards')
  const use = 'Use: /upload PATTERN BOARD[,BOARD]'
  t.equal(await rig.ask(anna, '/upload'), `A board is missing. ${use}`)
  t.equal(await rig.ask(anna, '/upload fire.gif'), `The pattern or the board is missing. ${use}`)
  t.equal(await rig.ask(anna, '/upload "fire Shelf'), `A quote is not closed. ${use}`)
  t.equal(await rig.ask(anna, '/upload fire.gif Shelf,'), `A board is missing. ${use}`)
  t.match(await rig.ask(anna, `/upload fire ${'x'.repeat(65)}`), /^upload cannot be used like this: boards/)
  t.equal(
    await rig.ask(anna, '/upload fire.gif Shelf'),
    'There is no pattern called "fire.gif". No pattern is stored yet.',
  )
  for (const text of ['//boards', '/ boards', 'see /boards', '/']) {
    t.notOk(isCommand(text), text)
    await rig.say(anna, text)
    t.equal((await rig.texts(anna)).at(-1), text)
  }
})

t.test('/upload sends a stored pattern, and the common room hears how it went', async t => {
  const rig = await chatRig(t)
  const { uploads } = rig.upload.core
  const [anna, viewer] = [await rig.user('anna'), await rig.user('ben', 'viewer')]
  const shelf = await board(rig, 1, 'Shelf', 115_200)
  const { pattern: old } = await uploads.addFile(file(1), 'Fire.ledm', false)
  const { pattern } = await uploads.addFile(file(2), 'Fire.ledm', false)
  await uploads.addFile(file(3), 'water.ledm', false)
  t.equal(await rig.ask(viewer, '/upload Fire.ledm Shelf'), 'upload needs the role operator; ben is viewer.')
  t.match(
    await rig.ask(anna, '/upload ice Shelf'),
    /called "ice"\. The newest are: water\.ledm, Fire\.ledm\.$/,
  )
  t.match(await rig.ask(anna, '/upload Fire.ledm Attic'), /No board is called "Attic"/)
  t.equal((await uploads.jobs({ limit: 1 })).total, 0)

  const room = await rig.chat.rooms.create(anna, { name: 'Private', members: [] })
  const answer = await rig.ask(anna, '/upload fire to shelf'.replace('shelf', 'Shelf'), room.id)
  t.equal(answer, 'Uploading Fire.ledm to Shelf. The common room hears when it is done.')
  const [job] = (await uploads.jobs({ limit: 1 })).jobs
  t.equal(job?.patternId, pattern.id, 'the newest of the name')
  await rig.upload.ends(job, 'done')
  t.match(
    await said(rig, / is on /),
    /^Fire\.ledm is on Shelf: [\d.]+ K?B in [\d.]+ s, [\d.]+ KB\/s, \d\d\.\d % of the line\.$/,
  )
  t.notMatch((await rig.texts(anna)).join('\n'), /Uploading/, 'what was asked in a room is answered there')
  t.match(await rig.ask(anna, '/jobs'), /^Fire\.ledm → Shelf: done$/)
  await rig.upload.when(() => rig.upload.core.states.get(shelf.id)?.mode === 'playing', 'status that says so')
  t.match(await rig.ask(anna, '/boards'), /^Shelf \(8×8\): connected, playing "Fire\.ledm", brightness/)

  await rig.ask(anna, `/upload ${old.id} "Shelf"`)
  const [second] = (await uploads.jobs({ limit: 1 })).jobs
  t.equal(second?.patternId, old.id, 'by its id')
  await rig.upload.ends(second, 'done')
  await rig.ask(anna, `/upload ${old.id} ${shelf.id}`)
  await rig.upload.ends((await uploads.jobs({ limit: 1 })).jobs[0], 'done')
  t.match(
    await said(rig, /nothing had to be sent/),
    /^Fire\.ledm is on Shelf: done in [\d.]+ s, nothing had to be sent\.$/,
  )
})

t.test('a repeated request does not run its command twice', async t => {
  const rig = await chatRig(t)
  const anna = await rig.user('anna')
  await board(rig, 1, 'Shelf')
  await rig.upload.core.uploads.addFile(file(), 'fire.ledm', false)
  const ask = () => rig.chat.post(anna, rig.chat.commonRoomId, { text: '/upload fire Shelf', clientId: '1' })
  await ask()
  await ask()
  t.equal((await rig.upload.core.uploads.jobs({ limit: 10 })).total, 1)
})

t.test(
  'an upload to many boards is told once; a board that comes later is told of when it comes',
  async t => {
    const rig = await chatRig(t)
    const anna = await rig.user('anna')
    const { uploads, queue } = rig.upload.core
    await board(rig, 1, 'Shelf')
    const window = await board(rig, 2, 'Window')
    await board(rig, 3, 'Small Wall')
    const attic = await board(rig, 4, 'Attic')
    await rig.upload.core.book.change(window.id, { powerCapMa: 1 })
    attic.unplug()
    await rig.upload.when(
      () => rig.upload.core.registry.session(attic.id) === undefined,
      'the end of a board',
    )
    await uploads.addFile(file(), 'my fire.ledm', false)
    const answer = await rig.ask(anna, '/upload my fire.ledm Shelf, Window ,"Small Wall",Attic')
    t.equal(
      answer,
      'Uploading my fire.ledm to Shelf, Window, Small Wall, Attic. Not connected, so it waits: Attic. The common room hears when it is done.',
    )
    const text = await said(rig, /still to come/)
    t.match(
      text,
      /^my fire\.ledm, 3 boards:\ndone on Shelf, Small Wall: [\d.]+ .?B in .+\nfailed on Window: .+\n1 board still to come\.$/,
    )
    t.match(await rig.ask(anna, '/jobs'), /→ Attic: waiting/)
    attic.plug()
    t.match(await said(rig, /is on Attic/), /^my fire\.ledm is on Attic: /)
    const lines = rig.heard['chat.message'].filter(({ message }) => message.kind === 'system')
    t.equal(lines.length, 2)

    attic.unplug()
    await rig.upload.when(
      () => rig.upload.core.registry.session(attic.id) === undefined,
      'the end of a board',
    )
    await rig.ask(anna, '/upload my fire.ledm Attic')
    const [waiting] = (await uploads.jobs({ limit: 1 })).jobs
    if (waiting === undefined) return
    await queue.command(waiting.id, 'cancel')
    t.equal(await said(rig, /cancelled/), 'The upload of my fire.ledm to Attic was cancelled.')

    await rig.ask(anna, '/upload my fire.ledm all')
    const jobs = (await uploads.jobs({ limit: 4 })).jobs
    t.equal(new Set(jobs.map(({ batchId }) => batchId)).size, 1)
    await rig.chat.stop()
    for (const { id, state } of jobs) if (state === 'waiting') await queue.command(id, 'cancel')
  },
)

t.test('raw bytes are sent as they are', async t => {
  const rig = await chatRig(t)
  const anna = await rig.user('anna')
  await board(rig, 1, 'Shelf')
  await rig.upload.core.uploads.addFile(noise(3000), 'bytes.bin', true)
  await rig.ask(anna, '/upload bytes.bin Shelf')
  t.match(await said(rig, / is on /), /^bytes\.bin is on Shelf: 3\.0 KB in /)
})

t.test('a command that takes long or breaks is answered all the same', async t => {
  const lines: object[] = []
  const log: Log = { debug() {}, info() {}, warn() {}, error: fields => void lines.push(fields) }
  let health: () => Promise<never> = () => new Promise(() => undefined)
  const rig = await chatRig(t, { log, health: () => health() })
  const { clock } = rig.upload
  const anna = await rig.user('anna')
  const posted = rig.say(anna, '/status')
  await rig.upload.when(() => rig.heard['chat.message'].length > 0, 'the question')
  await rig.upload.until(posted)
  t.equal(clock.now(), 1000, 'the question is confirmed before its answer is there')
  t.match(await said(rig, /longer than 30 seconds/), /It may still come to its end/)
  t.equal(clock.now(), 30_000)

  health = () => Promise.reject(new TypeError('secret words'))
  t.equal(await rig.ask(anna, '/status'), 'The gateway has a fault of its own. Its log has the details.')
  t.match(lines, [{ tool: 'status', err: { message: 'secret words' } }])
})

t.test('the chat stops within two seconds, though a command is still at work', async t => {
  const lines: string[] = []
  const log: Log = { debug() {}, info() {}, warn: (_fields, message) => void lines.push(message), error() {} }
  const rig = await chatRig(t, { log, health: () => new Promise(() => undefined) })
  const { clock } = rig.upload
  await rig.upload.until(rig.say(local, '/status'))
  const began = clock.now()
  await rig.upload.until(rig.chat.stop())
  t.equal(clock.now() - began, 2000)
  t.same(lines, ['the chat was left at its work'])
  await rig.upload.pass(30_000)
})

t.test('so many commands run at once and no more', async t => {
  const rig = await chatRig(t)
  const { core, clock } = rig.upload
  let finish: (() => void)[] = []
  const health = () =>
    new Promise<{ status: string; score: number }>(resolve =>
      finish.push(() => resolve({ status: 'ok', score: 1 })),
    )
  const context: ToolContext = { core, clock, version: '1', startedMs: 0, health }
  const commands = new Commands(context, { debug() {}, info() {}, warn() {}, error() {} })
  const busy = /^Earlier commands are not done yet/
  const people = Array.from({ length: 9 }, (_, n) => ({ ...local, id: `${n}` }))
  const running = people.slice(0, 8).flatMap(who => [1, 2, 3, 4].map(() => commands.answer(who, '/status')))
  t.match(await commands.answer({ ...local, id: '0' }, '/status'), busy)
  t.match(await commands.answer({ ...local, id: '8' }, '/status'), busy)
  for (const each of finish.splice(0)) each()
  t.equal((await Promise.all(running)).filter(text => busy.test(text)).length, 0)
  const after = commands.answer({ ...local, id: '0' }, '/status')
  for (const each of finish.splice(0)) each()
  t.notMatch(await after, busy)
  finish = []
})

t.test('an answer keeps to the length of a message, and a tool to its input', async t => {
  const rig = await chatRig(t)
  const anna = await rig.user('anna')
  await rig.chat.announce(`${'a'.repeat(9_998)}🔥🔥`)
  const [text = ''] = await rig.texts(anna)
  t.equal(text, `${'a'.repeat(9_998)}…`)
  const { core, clock } = rig.upload
  const context: ToolContext = { core, clock, version: '1', startedMs: 0 }
  await t.rejects(tools.jobs.run(context, { limit: 51 }, local), {
    code: 'usage',
    message: /^jobs cannot be used like this: limit: /,
  })
  await t.rejects(tools.upload.run(context, { pattern: 'x' }, local), { code: 'usage' })
})

t.test('names with spaces stand in quotes, boards after commas', async t => {
  const cases: [string, string, 'all' | string[]][] = [
    ['fire.gif Shelf', 'fire.gif', ['Shelf']],
    ['my  fire.gif Shelf,Window', 'my fire.gif', ['Shelf', 'Window']],
    ['"my  fire, big.gif" "Living Room" , Shelf', 'my  fire, big.gif', ['Living Room', 'Shelf']],
    ['fire.gif to Shelf', 'fire.gif', ['Shelf']],
    ['way "to" Shelf', 'way to', ['Shelf']],
    ['to Shelf', 'to', ['Shelf']],
    ['fire.gif all', 'fire.gif', 'all'],
    ['fire.gif all,Shelf', 'fire.gif', ['all', 'Shelf']],
    ['fire.gif ","', 'fire.gif', [',']],
  ]
  for (const [text, pattern, boards] of cases) t.same(readUpload(text), { pattern, boards }, text)
  const name = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
    .filter(word => !word.includes('"'))
  fc.assert(
    fc.property(name, fc.array(name, { minLength: 2, maxLength: 5 }), (pattern, boards) => {
      const quoted = boards.map(board => `"${board}"`).join(', ')
      t.same(readUpload(`"${pattern}" ${quoted}`), { pattern, boards })
    }),
  )
})

const ended = (board: string, state: JobRecord['state'], more: Partial<JobRecord> = {}): JobRecord => ({
  id: jobId(board),
  batchId: 'b',
  boardId: boardId(board),
  name: 'fire.gif',
  patternId: null,
  state,
  raw: false,
  optionsJson: '{}',
  sourceSha: null,
  manifestSha: null,
  imageSha: null,
  transferId: null,
  blocks: 0,
  durableBlocks: 0,
  payloadBytes: 0,
  imageBytes: 0,
  statsJson: JSON.stringify({ ...noStats, streamedBytes: 50_000, streamMs: 1000, baudRate: 500_000 }),
  digestAlg: null,
  digestValue: null,
  errorCode: null,
  errorMessage: null,
  attempts: 1,
  createdBy: null,
  retryOf: null,
  createdMs: 0,
  updatedMs: 0,
  finishedMs: 1500,
  ...more,
})

t.test('the report of an upload says what happened to each board, in a few lines', async t => {
  const name = (id: string) => id.toUpperCase()
  t.equal(jobReport([], name), '')
  t.equal(
    jobReport([ended('a', 'done')], name),
    'fire.gif is on A: 50.0 KB in 1.5 s, 50.0 KB/s, 100.0 % of the line.',
  )
  const pty = {
    statsJson: JSON.stringify({ ...noStats, streamedBytes: 50_000, streamMs: 1, baudRate: 9600 }),
  }
  t.notMatch(jobReport([ended('a', 'done', pty)], name), /of the line/)
  t.equal(
    jobReport([ended('a', 'failed', { errorMessage: 'It is mute.' })], name),
    'fire.gif did not reach A: It is mute.',
  )
  t.equal(jobReport([ended('a', 'failed')], name), 'fire.gif did not reach A: no reason is known')
  t.equal(
    jobReport([ended('a', 'cancelled')], name, 2),
    'The upload of fire.gif to A was cancelled.\n2 boards still to come.',
  )
  const many = [
    ...Array.from({ length: 12 }, (_, n) => ended(`d${n}`, 'done')),
    ...Array.from({ length: 7 }, (_, n) =>
      ended(`f${n}`, 'failed', n === 0 ? {} : { errorMessage: 'Mute.' }),
    ),
    ended('c', 'cancelled', { finishedMs: null, statsJson: null }),
  ]
  t.same(jobReport(many, name).split('\n'), [
    'fire.gif, 20 boards:',
    'done on D0, D1, D2, D3, D4, D5, D6, D7 and 4 more: 600.0 KB in 1.5 s.',
    'failed on F0: no reason is known',
    'failed on F1: Mute.',
    'failed on F2: Mute.',
    'failed on F3: Mute.',
    'failed on F4: Mute.',
    'failed on 2 more',
    'cancelled for C',
  ])
})

t.test('a room full of boards and jobs is told of in so many lines', async t => {
  const rig = await chatRig(t)
  const anna = await rig.user('anna')
  for (let n = 0; n < 53; n++) {
    await rig.upload.store.boards.seen({
      id: boardId(`00000000-0000-4000-8000-0000000000${String(n).padStart(2, '0')}`),
      name: `board ${String(n).padStart(2, '0')}`,
      width: 0,
      height: 0,
      leds: n,
      wiring: 'row-straight-tl',
      colorOrder: 'GRB',
      linkKind: 'serial',
      linkAddress: '/dev/ttyUSB0',
      baudRate: 115_200,
      bootId: 1,
      firmware: '',
      capsJson: '{}',
      nowMs: 0,
    })
  }
  const lines = (await rig.ask(anna, '/boards')).split('\n')
  t.equal(lines.length, 51)
  t.same(
    [lines[0], lines[1], lines[50]],
    ['board 00 (0 LEDs): away', 'board 01 (1 LED): away', 'and 3 boards more'],
  )
  await rig.upload.core.uploads.addFile(noise(100), 'x.bin', true)
  await rig.ask(anna, '/upload x.bin all')
  const jobs = (await rig.ask(anna, '/jobs')).split('\n')
  t.equal(jobs.length, 11)
  t.same([jobs[0], jobs[10]], ['x.bin → board 52: waiting', 'and 43 older jobs'])
})

t.test('when the end of an upload cannot be told, the log says so', async t => {
  const lines: string[] = []
  const log: Log = { debug() {}, info() {}, warn: (_fields, message) => void lines.push(message), error() {} }
  const rig = await chatRig(t, { log })
  await board(rig, 1, 'Shelf')
  const { store } = rig.upload
  const tables = store as unknown as { boards: { list: () => Promise<unknown> } }
  const list = tables.boards.list
  const { pattern } = await rig.upload.core.uploads.addFile(noise(100), 'x.bin', true)
  const { jobs } = await rig.upload.core.uploads.submit(
    pattern,
    [boardId('01010101-0101-0101-0101-010101010101')],
    { raw: true, fileName: 'x' },
  )
  tables.boards.list = () => Promise.reject(new Error('the disk is full'))
  await rig.upload.ends(jobs[0], 'done')
  await rig.upload.when(() => lines.length > 0, 'a line')
  tables.boards.list = list
  t.same(lines, ['the end of an upload could not be told'])
})

t.test('quantities read well', async t => {
  t.same([0, 999, 1000, 999_949, 999_950, 12_345_678].map(bytesText), [
    '0 B',
    '999 B',
    '1.0 KB',
    '999.9 KB',
    '1.0 MB',
    '12.3 MB',
  ])
  t.same(
    [-1, 400, 9_949, 9_950, 59_400, 60_000, 200_000, 3_600_000, 18_120_000, 273_600_000].map(durationText),
    ['0.0 s', '0.4 s', '9.9 s', '10 s', '59 s', '1 min', '3 min 20 s', '1 h', '5 h 2 min', '3 d 4 h'],
  )
  t.equal(listText(['a', 'b', 'c'], 2), 'a, b and 1 more')
})
