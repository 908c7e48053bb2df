import t from 'tap'
import { boardId } from '../../src/kernel/ids.ts'
import { ledmFile } from '../support/pixelgate.ts'
import { type BoardApi, boardApi } from './board-api-rig.ts'

const known = (number: number, more: object = {}) => ({
  id: boardId(`${String(number).padStart(8, '0')}-0000-4000-8000-000000000001`),
  name: `board ${String(number).padStart(3, '0')}`,
  width: 16,
  height: 16,
  leds: 256,
  wiring: 'row-straight-tl',
  colorOrder: 'RGB',
  linkKind: 'serial',
  linkAddress: `/dev/ttyUSB${number}`,
  baudRate: null,
  bootId: 1,
  firmware: 'pixelgate-avr 1.2',
  capsJson: '{"maxPowerMa":0}',
  nowMs: 1,
  ...more,
})

const drawn = (fileName: string) => ({ raw: false, fileName })
const namesOf = ({ json }: Awaited<ReturnType<BoardApi['call']>>): string[] =>
  json.boards.map(({ name }: { name: string }) => name)

t.test('boards come in pages, and are found by state and by words', async t => {
  const { rig, call } = await boardApi(t)
  for (let n = 1; n <= 45; n++) await rig.store.boards.seen(known(n))
  await rig.store.boards.rename({ id: known(7).id, name: 'Küche_1%' })
  const bench = await rig.present(rig.board(0xaa))
  const read: string[] = []
  let cursor = ''
  do {
    const page = await call('GET', `/boards?${cursor === '' ? '' : `cursor=${cursor}`}`)
    t.match(page, { status: 200, json: { total: 46 } })
    t.equal(page.headers.get('x-total-count'), '46')
    read.push(...namesOf(page))
    cursor = page.json.nextCursor ?? ''
  } while (cursor !== '')
  t.equal(read.length, 46)
  t.same(read, [...read].sort())
  t.equal((await call('GET', '/boards')).json.boards.length, 20, 'twenty unless told')
  t.same(namesOf(await call('GET', '/boards?limit=2&skip=3')), read.slice(3, 5))
  t.match((await call('GET', '/boards?state=connected')).json, { boards: [{ id: bench.id }], total: 1 })
  t.equal((await call('GET', '/boards?state=away')).json.total, 45)
  t.equal((await call('GET', '/boards?state=quarantined')).json.total, 0)
  t.same(namesOf(await call('GET', '/boards?q=k%C3%9CCHE')), ['Küche_1%'])
  t.same(namesOf(await call('GET', '/boards?q=1%25')), ['Küche_1%'], 'no wildcards')
  t.same(namesOf(await call('GET', '/boards?q=ttyUSB12')), ['board 012'])
  t.same(namesOf(await call('GET', '/boards?q=00000031')), ['board 031'])
  t.same(Object.keys((await call('GET', '/boards?fields=id,name&limit=1')).json.boards[0]), ['id', 'name'])
  for (const query of ['limit=0', 'limit=101', 'state=lost', 'cursor=nobody', 'colour=red', 'limit=x'])
    t.match(await call('GET', `/boards?${query}`), { status: 422, json: { code: 'invalid' } }, query)
  t.match(await call('GET', '/boards/nobody'), { status: 404, json: { code: 'not_found' } })
  t.match(await call('GET', '/boards/k%C3%BCche'), { status: 404 })
  t.match(await call('GET', '/boards/K%C3%BCche_1%25'), { json: { board: { id: known(7).id } } })
  t.match(await call('GET', '/boards/00000031'), { json: { board: { name: 'board 031' } } })
})

t.test('a list asks the database as often for many boards as for one', async t => {
  const { rig, calls, call } = await boardApi(t)
  for (const [at, fileName] of ['1.bin', '2.bin', '3.bin', '4.bin'].entries()) {
    const bench = await rig.present(rig.board(at + 1))
    const [job] = await rig.submit([bench], ledmFile([at, 9], 16, 16), drawn(fileName))
    await rig.ends(job, 'done')
    await rig.until(rig.core.control.act(bench.id, { type: 'STATUS' }))
  }
  for (let n = 1; n <= 60; n++) await rig.store.boards.seen(known(n))
  const count = async (path: string) => {
    calls.length = 0
    const { json } = await call('GET', path)
    return { asked: [...calls].sort(), boards: json.boards }
  }
  const one = await count('/boards?limit=1&q=01010101')
  t.match(one.boards, [{ status: { patternName: '1.bin' } }])
  t.same(one.asked, ['boards.some', 'boards.titles', 'jobs.ofImages'])
  const all = await count('/boards?limit=100')
  const named = all.boards.map(
    ({ status }: { status: { patternName: string } | null }) => status?.patternName,
  )
  t.same(named.filter(Boolean).sort(), ['1.bin', '2.bin', '3.bin', '4.bin'])
  t.same(all.asked, ['boardKeys.paired', ...one.asked], 'and once whether those that are away are paired')
  t.same((await count('/boards?limit=100')).asked, [], 'from memory while nothing happens')
  await call('PATCH', '/boards/01010101', { name: 'new' })
  t.ok((await count('/boards?limit=100')).boards.some(({ name }: { name: string }) => name === 'new'))
})

t.test('a board is told in any spelling, and short paths do the same', async t => {
  const { rig, call } = await boardApi(t)
  const bench = await rig.present(rig.board(1))
  const path = `/boards/${bench.id}`
  const slots = []
  for (const [at, fileName] of ['one.bin', 'two.bin'].entries()) {
    const [job] = await rig.submit([bench], ledmFile([at, 9], 16, 16), drawn(fileName))
    slots.push(await rig.ends(job, 'done'))
  }
  const [first, second] = slots
  const mode = async () => (await call('GET', path)).json.board.status.mode
  const tell = (body: unknown) => call('POST', `${path}/commands`, body)
  for (const type of ['STOP', 'stop', 'Stop'])
    t.match(
      await tell({ type }),
      { status: 200, json: { command: 'STOP', result: { playing: false } } },
      type,
    )
  t.equal(await mode(), 'stopped')
  t.match(await call('POST', `${path}/play`), { json: { command: 'PLAY', result: { playing: true } } })
  t.equal(await mode(), 'playing')
  t.match(await call('POST', `${path}/stop`, {}), { json: { command: 'STOP' } }, 'an empty body is none')
  t.match(await call('POST', `${path}/next`), { json: { command: 'NEXT' } })
  t.match(await call('POST', `${path}/previous`), { json: { command: 'PREVIOUS' } })
  t.match(await tell({ type: 'brightness', level: 40 }), {
    json: { command: 'BRIGHTNESS', result: { level: 40 } },
  })
  t.match(await call('POST', `${path}/brightness`, { level: 41 }), { json: { result: { level: 41 } } })
  t.match((await call('GET', path)).json, { board: { status: { brightness: 41 } } })
  t.match(await tell({ type: 'identify', ms: 100 }), { json: { command: 'IDENTIFY' } })
  t.match(await call('POST', `${path}/identify`), { status: 200, json: { result: { ms: 5000 } } })
  t.match(await call('POST', `${path}/identify`, { ms: 10 }), { json: { result: { ms: 10 } } })
  t.match(await tell({ type: 'status' }), {
    json: { command: 'STATUS', result: { brightness: 41, id: /^[0-9a-f]{32}$/ } },
  })

  const plays = async () => (await call('GET', path)).json.board.status
  const one = { patternId: first?.patternId }
  t.match(await tell({ type: 'select', ...one }), {
    json: { command: 'SELECT', result: { id: first?.transferId } },
  })
  const { slot } = await plays()
  t.match(await plays(), { patternName: 'one.bin' })
  t.match(await call('POST', `${path}/select`, { patternId: second?.patternId }), { status: 200 })
  t.match(await plays(), { patternName: 'two.bin' })
  t.match(await call('POST', `${path}/select`, { slot }), {
    json: { result: { slot, id: first?.transferId } },
  })
  t.match(await plays(), { patternName: 'one.bin' })
  t.match(await tell({ type: 'select', slot: 200 }), { status: 404, json: { detail: /no slot 200/ } })
  t.match(await tell({ type: 'select', patternId: 'nothing' }), { status: 404 })
  for (const body of [
    { type: 'select' },
    { type: 'select', slot: 0, ...one },
    { type: 'dance' },
    { type: 7 },
    { type: 'brightness' },
    { type: 'brightness', level: 256 },
    { type: 'play', level: 1 },
    [],
    'play',
  ])
    t.match(await tell(body), { status: 422, json: { code: 'invalid', errors: [{}] } }, JSON.stringify(body))
  t.match(await call('POST', `${path}/brightness`), { status: 415 }, 'a level there must be')
  t.match(await call('POST', `${path}/dance`), { status: 404 })
  t.match(await call('POST', `${path}/play`, undefined, { role: 'viewer' }), { status: 403 })
  t.match(await call('POST', '/boards/nobody/play'), { status: 404 })
  t.match(await call('POST', `${path}/reboot`), { json: { command: 'REBOOT', result: {} } })
})

t.test('what is said to a board that is away is refused, and done neither then nor later', async t => {
  const { rig, call } = await boardApi(t)
  const bench = await rig.present(rig.board(1))
  const path = `/boards/${bench.id}`
  await call('POST', `${path}/brightness`, { level: 10 })
  bench.unplug()
  await rig.when(() => rig.core.registry.session(bench.id) === undefined, 'the end of the session')
  for (const short of ['play', 'stop', 'next', 'previous', 'identify', 'reboot'])
    t.match(await call('POST', `${path}/${short}`), {
      status: 504,
      json: { code: 'board_mute', detail: /not connected/ },
    })
  t.match(await call('POST', `${path}/brightness`, { level: 200 }), { status: 504 })
  bench.plug()
  await rig.when(() => rig.core.registry.session(bench.id) !== undefined, 'the board again')
  const { result } = (await call('POST', `${path}/commands`, { type: 'status' })).json
  t.equal(result.brightness, 10)
  bench.mute = true
  const asked = rig.clock.now()
  t.match(await call('POST', `${path}/play`), { status: 504, json: { code: 'board_mute' } })
  t.ok(rig.clock.now() - asked <= 20_000, 'every command has an end')
})

t.test('a test card is an upload: it waits for its board and tells what it shows', async t => {
  const { rig, call } = await boardApi(t)
  const bench = await rig.present(rig.board(1))
  const path = `/boards/${bench.id}`
  const sent = await call('POST', `${path}/test-card`)
  t.match(sent, {
    status: 202,
    json: {
      command: 'TEST_CARD',
      result: { card: 'checking', steps: [{ caption: /top left/, frames: Number }] },
    },
  })
  t.equal(sent.headers.get('location'), `/api/v1/jobs/${sent.json.result.jobId}`)
  const job = await rig.job(sent.json.result.jobId)
  await rig.ends(job, 'done')
  await rig.until(rig.core.control.act(bench.id, { type: 'STATUS' }))
  t.match((await call('GET', path)).json.board.status, {
    mode: 'playing',
    patternId: sent.json.result.patternId,
  })
  for (const type of ['test-card', 'TEST_CARD', 'Test-Card']) {
    const again = await call('POST', `${path}/commands`, { type })
    t.match(again, { status: 202, json: { result: { patternId: sent.json.result.patternId } } }, type)
    await rig.ends(await rig.job(again.json.result.jobId), 'done')
  }
  t.match(await rig.core.library.find(sent.json.result.patternId), { versions: 1, tags: ['test-card'] })

  bench.unplug()
  await rig.when(() => rig.core.registry.session(bench.id) === undefined, 'the end of the session')
  const finding = await call('POST', `${path}/test-card`, { card: 'finding' })
  t.match(finding, {
    status: 202,
    json: { result: { state: 'waiting', steps: [{ caption: /In which corner/ }] } },
  })
  bench.plug()
  await rig.ends(await rig.job(finding.json.result.jobId), 'done')
  t.match(await call('POST', `${path}/test-card`, { card: 'ace' }), { status: 422 })
})

t.test('wiring and power are read, set as a whole, and not lost to each other', async t => {
  const { rig, call } = await boardApi(t)
  const { id } = await rig.store.boards.seen(known(1))
  const path = `/boards/${id}`
  const wiring = await call('GET', `${path}/wiring`)
  t.same(wiring.json, {
    width: 16,
    height: 16,
    wiring: 'row-straight-tl',
    colorOrder: 'RGB',
    layout: null,
  })
  const serpentine = { ...wiring.json, wiring: 'row-serpentine-bl', colorOrder: 'GRBW' }
  t.match(await call('PUT', `${path}/wiring`, serpentine), { status: 200, json: serpentine })
  t.same((await call('GET', `${path}/wiring`)).json, serpentine)
  t.match(await call('PUT', `${path}/wiring`, { ...serpentine, width: 15 }), {
    status: 400,
    json: { code: 'usage' },
  })
  for (const body of [
    {},
    { ...serpentine, width: -1 },
    { ...serpentine, leds: 3 },
    { ...serpentine, wiring: 'x' },
  ])
    t.match(await call('PUT', `${path}/wiring`, body), { status: 422, json: { code: 'invalid' } })
  const ring = { kind: 'rings', rings: [{ leds: 12 }, { leds: 1 }] }
  const round = await call('PUT', `${path}/wiring`, { ...serpentine, width: 0, height: 0, layout: ring })
  t.match(round, { status: 200, json: { layout: ring, wiring: 'row-serpentine-bl' } })
  t.match(
    await call('PUT', `${path}/wiring`, round.json),
    { status: 200, json: round.json },
    'as it was read',
  )
  t.match(await call('PUT', `${path}/wiring`, { ...serpentine, layout: ring }), { status: 422 })
  t.match(await call('PUT', `${path}/wiring`, { ...serpentine, layout: { kind: 'cloud' } }), { status: 400 })
  t.match(await call('PUT', `${path}/wiring`, serpentine), { status: 200, json: serpentine })

  t.match(await call('GET', `${path}/power`), {
    json: {
      capMa: null,
      boardCapMa: null,
      effectiveCapMa: null,
      leds: 256,
      channels: 4,
      maPerChannel: 20,
      idleMaPerLed: 1,
    },
  })
  t.match(await call('PUT', `${path}/power`, { capMa: 900 }), { json: { capMa: 900, effectiveCapMa: 900 } })
  t.match(await call('PUT', `${path}/power`, { capMa: 0 }), { status: 422 })
  t.match(await call('PUT', `${path}/power`, { capMa: null }), { json: { capMa: null } })
  for (const short of ['wiring', 'power'])
    t.match(await call('PUT', `${path}/${short}`, {}, { role: 'viewer' }), { status: 403 })

  const etag = (await call('GET', `${path}/power`)).headers.get('etag') ?? ''
  const put = (capMa: number, match: string) =>
    call('PUT', `${path}/power`, { capMa }, { headers: { 'if-match': match } })
  const race = await Promise.all(Array.from({ length: 20 }, (_, at) => put(at + 1, etag)))
  t.equal(race.filter(({ status }) => status === 200).length, 1, 'one of twenty')
  t.equal(race.filter(({ status }) => status === 412).length, 19)
  t.match(race.find(({ status }) => status === 412)?.json, { code: 'precondition_failed' })
  const won = race.find(({ status }) => status === 200)?.json
  t.same((await call('GET', `${path}/power`)).json, won)
  t.match(await put(5, '*'), { status: 200 })
  const now = (await call('GET', `${path}/power`)).headers.get('etag') ?? ''
  t.match(await put(6, `W/${now}`), { status: 412 }, 'a weak one never matches')
  t.match(await put(6, `"other", ${now}`), { status: 200 })
  t.equal((await call('GET', `${path}/power`, undefined, { headers: { 'if-none-match': now } })).status, 200)
})

t.test('a connected board is changed as it was read', async t => {
  const { rig, call } = await boardApi(t)
  const bench = await rig.present(rig.board(1))
  await rig.until(rig.core.control.act(bench.id, { type: 'STATUS' }))
  const path = `/boards/${bench.id}`
  const read = await call('GET', path)
  const etag = read.headers.get('etag') ?? ''
  await rig.pass(5000)
  t.equal(
    (await call('GET', path, undefined, { headers: { 'if-none-match': etag } })).status,
    304,
    'heartbeats alone change nothing',
  )
  const rename = (name: string, match: string) =>
    call('PATCH', path, { name }, { headers: { 'if-match': match } })
  t.match(await rename('window', etag), { status: 200, json: { board: { name: 'window' } } })
  t.match(await rename('door', etag), { status: 412 })
  t.match((await call('GET', path)).json, { board: { name: 'window' } })
  t.match(await call('PATCH', path, { name: 'wall', powerCapMa: 5 }), {
    json: { board: { name: 'wall', powerCapMa: 5 } },
  })
  for (const body of [{ name: '' }, { name: 'x'.repeat(33) }, { colour: 'red' }, { width: 1.5 }])
    t.match(await call('PATCH', path, body), { status: 422 }, JSON.stringify(body))
  t.match(await call('PATCH', path, { width: 5 }), { status: 400 })
})

t.test('what happened to a board is told, newest first', async t => {
  const { rig, call } = await boardApi(t)
  const bench = await rig.present(rig.board(1))
  const path = `/boards/${bench.id}`
  await call('PATCH', path, { name: 'window', powerCapMa: 20_000 }, { role: 'operator' })
  await call('POST', `${path}/stop`, undefined, { role: 'operator' })
  for (let level = 1; level <= 50; level++) await call('POST', `${path}/brightness`, { level })
  const [job] = await rig.submit([bench], ledmFile([1, 2], 16, 16), drawn('fire.bin'))
  await rig.ends(job, 'done')
  bench.unplug()
  await rig.when(() => rig.core.registry.session(bench.id) === undefined, 'the end of the session')
  await call('POST', `${path}/play`)
  const { json } = await call('GET', `${path}/log?limit=100`)
  const brief = json.log.map(({ kind, message, who }: Record<string, string | null>) => ({
    kind,
    message,
    who,
  }))
  const lit = brief.filter(({ message }: { message: string }) => /brightness/.test(message))
  t.ok(lit.length < 10, `${lit.length} lines for fifty moves of a slider`)
  t.match(lit[0], { message: 'Told: brightness 50.', who: 'admin' })
  t.match(
    brief.filter((entry: unknown) => !lit.includes(entry)),
    [
      { kind: 'command', message: /^Told: play\. Not done: The board is not connected/ },
      { kind: 'lost' },
      { kind: 'job', message: 'Upload of "fire.bin" is done.' },
      { kind: 'job' },
      { kind: 'job' },
      { kind: 'job', message: 'Upload of "fire.bin" is transferring.' },
      { kind: 'job', message: 'Upload of "fire.bin" is queued.' },
      { kind: 'command', message: 'Told: stop.', who: 'operator' },
      { kind: 'settings', message: 'Changed: name, powerCapMa.', who: 'operator' },
      { kind: 'connected', message: /^Connected on / },
    ],
  )
  t.match(
    json.log.find(({ kind }: { kind: string }) => kind === 'settings'),
    {
      door: 'api',
      detail: { name: { to: 'window' }, powerCapMa: { from: null, to: 20_000 } },
    },
  )
  const read: string[] = []
  let cursor = ''
  do {
    const page = await call('GET', `${path}/log?limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`)
    read.push(...page.json.log.map(({ id }: { id: string }) => id))
    t.equal(page.json.total, json.total)
    cursor = page.json.nextCursor ?? ''
  } while (cursor !== '')
  t.same(
    read,
    json.log.map(({ id }: { id: string }) => id),
  )
  t.equal((await call('GET', `${path}/log?kind=job`)).json.total, 5)
  const future = encodeURIComponent('2999-01-01T00:00:00+01:00')
  t.equal((await call('GET', `${path}/log?since=${future}`)).json.total, 0)
  t.equal((await call('GET', `${path}/log?since=1970-01-01T00:00:00Z`)).json.total, json.total)
  for (const query of ['since=yesterday', 'kind=party', 'cursor=x', 'limit=0'])
    t.match(await call('GET', `${path}/log?${query}`), { status: 422 }, query)
  t.match(await call('GET', '/boards/nobody/log'), { status: 404 })
})

t.test('a board that is away can be forgotten, with all that was kept of it', async t => {
  const { rig, call } = await boardApi(t)
  const bench = await rig.present(rig.board(1))
  const path = `/boards/${bench.id}`
  await call('PATCH', path, { name: 'window' })
  t.match(await call('DELETE', path), { status: 409, json: { detail: /connected/ } })
  const [done] = await rig.submit([bench], ledmFile([1, 2], 16, 16), drawn('fire.bin'))
  await rig.ends(done, 'done')
  bench.unplug()
  await rig.when(() => rig.core.registry.session(bench.id) === undefined, 'the end of the session')
  const [waiting] = await rig.submit([bench], ledmFile([3, 2], 16, 16), drawn('water.bin'))
  t.match(await call('DELETE', path), {
    status: 409,
    json: { detail: /^1 upload to this board is unfinished/ },
  })
  if (waiting !== undefined) await rig.until(rig.core.queue.command(waiting.id, 'cancel'))
  t.match(await call('DELETE', path, undefined, { role: 'viewer' }), { status: 403 })
  t.match(await call('DELETE', path), { status: 204 })
  t.match(await call('GET', path), { status: 404 })
  t.match(await call('DELETE', path), { status: 404 })
  t.same((await call('GET', '/boards')).json, { boards: [], total: 0, nextCursor: null })
  bench.plug()
  await rig.when(() => rig.core.registry.session(bench.id) !== undefined, 'the board again')
  const back = (await call('GET', path)).json.board
  t.not(back.name, 'window', 'it is a new one')
  t.match((await call('GET', `${path}/log`)).json, { log: [{ kind: 'connected' }], total: 1 })
})

t.test('a paired board is not forgotten together with its key', async t => {
  const { rig, call } = await boardApi(t)
  const bench = await rig.present(rig.board(1))
  const path = `/boards/${bench.id}`
  t.match(await call('POST', `${path}/pairing`, {}), { status: 200, json: { board: { trust: 'paired' } } })
  bench.unplug()
  await rig.when(() => rig.core.registry.session(bench.id) === undefined, 'the end of the session')
  t.match((await call('GET', path)).json, { board: { trust: 'paired', state: 'away' } })
  t.match(await call('DELETE', path), { status: 409, json: { detail: /unpair/ } })
  t.match(await call('DELETE', `${path}/pairing?forget=true`), { status: 200 })
  t.match((await call('GET', `${path}/log?kind=pairing`)).json, {
    log: [{ message: 'Not paired any more.', who: 'admin' }, { message: 'Paired with this gateway.' }],
  })
  t.match(await call('DELETE', path), { status: 204 })
})

t.test('boards that come back at the moment they are forgotten are known in the end', async t => {
  const { rig, call } = await boardApi(t)
  const bench = await rig.present(rig.board(1))
  const path = `/boards/${bench.id}`
  for (let round = 0; round < 10; round++) {
    bench.unplug()
    await rig.when(() => rig.core.registry.session(bench.id) === undefined, 'the end of the session')
    bench.plug()
    for (let step = 0; step < round * 3; step++) rig.clock.step()
    const { status } = await call('DELETE', path)
    t.ok([204, 409].includes(status), `${status}`)
    await rig.when(() => rig.core.registry.session(bench.id) !== undefined, 'the board again')
    t.match(
      await call('GET', path),
      { status: 200, json: { board: { state: 'connected' } } },
      `round ${round}`,
    )
  }
})
