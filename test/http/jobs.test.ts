import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { boardId, jobId } from '../../src/kernel/ids.ts'
import { ledmFile, numbers } from '../support/pixelgate.ts'
import { type LanRig, lanRig } from './lan-rig.ts'

const shelf = boardId('6f1d3c52-8a0e-4a51-9c27-0d4c8e2b7a11')
const window = boardId('0b9e54aa-3f0c-4b7d-8d51-b5f0a7a7e902')

interface JobBody {
  readonly id: string
  readonly batchId: string
  readonly state: string
}

/** Two boards that are away, so that what is sent to them waits. */
async function jobRig(t: Test) {
  const rig = await lanRig(t)
  for (const [id, name] of [
    [shelf, 'Shelf'],
    [window, 'Window'],
  ] as const)
    await rig.store.boards.seen({
      ...{ id, name, width: 3, height: 1, leds: 3, wiring: 'row-straight-tl', colorOrder: 'GRB' },
      ...{ linkKind: 'serial', linkAddress: '/dev/null', baudRate: 115_200, bootId: 1, firmware: '1.0.0' },
      ...{ capsJson: '{}', nowMs: 1 },
    })
  const token = await rig.signIn('operator')
  const ask = (method: string, path: string, json?: unknown) =>
    rig.call(`/api/v1${path}`, { method, token, ...(json !== undefined && { json }) })
  const store = async (name: string, first: number) => {
    const { json } = await rig.call(`/api/v1/patterns?name=${name}`, {
      method: 'POST',
      token,
      body: ledmFile(numbers(first, 3)),
    })
    return (json['pattern'] as { id: string }).id
  }
  const send = async (patternId: string, boards: readonly string[] | 'all', more: object = {}) =>
    (await ask('POST', '/jobs', { patternId, boards, ...more })).json['jobs'] as readonly JobBody[]
  return { ...rig, ask, upload: store, send }
}

t.test('jobs are listed by state, board, batch and pattern, page by page, and say who asked', async t => {
  const { ask, upload, send } = await jobRig(t)
  const fire = await upload('fire.ledm', 1)
  const rain = await upload('rain.ledm', 2)
  const [first, second] = await send(fire, 'all')
  const [third] = await send(rain, ['Window'])
  await ask('POST', `/jobs/${third?.id}/pause`)
  await ask('POST', `/jobs/${first?.id}/cancel`)
  const ids = async (query: string) => {
    const { json, headers } = await ask('GET', `/jobs?${query}`)
    t.equal(headers['x-total-count'], String(json['total']), query)
    return (json['jobs'] as readonly JobBody[]).map(({ id }) => id)
  }
  t.same(await ids(''), [third?.id, second?.id, first?.id])
  t.same(await ids('state=waiting'), [second?.id])
  t.same(await ids('state=paused&state=cancelled'), [third?.id, first?.id])
  t.same(await ids('state=paused&state=cancelled&limit=1&skip=1'), [first?.id])
  t.same(await ids('state=done&state=failed'), [])
  t.same(await ids('board=Window'), [third?.id, second?.id])
  t.same(await ids(`board=${shelf}&state=cancelled`), [first?.id])
  t.same(await ids(`batch=${first?.batchId}`), [second?.id, first?.id])
  t.same(await ids('pattern=rain.ledm'), [third?.id])
  t.same(await ids(`pattern=${fire}&state=waiting&state=cancelled&board=Shelf`), [first?.id])
  const page = await ask('GET', '/jobs?limit=2')
  t.match(page.json, { total: 3, nextCursor: second?.id, jobs: [{ createdBy: 'operator', retryOf: null }] })
  t.same(await ids(`limit=2&cursor=${second?.id}`), [first?.id])
  t.same(await ids(`limit=2&before=${second?.id}`), [first?.id])
  t.match((await ask('GET', '/jobs?limit=2&skip=2')).json, { nextCursor: null, jobs: [{ id: first?.id }] })
  t.match(await ask('GET', '/jobs?board=nobody'), { status: 404 })
  t.match(await ask('GET', '/jobs?pattern=nothing'), { status: 404 })
  t.match(await ask('GET', '/jobs?state=lost'), { status: 422, json: { code: 'invalid' } })
  t.match(await ask('POST', '/jobs', { patternId: fire, boards: ['Shelf', 'nobody'] }), { status: 404 })
})

t.test('a job that was cancelled is sent again as it was, also when its pattern is gone', async t => {
  const { ask, upload, send, signIn, call, store } = await jobRig(t)
  const fire = await upload('fire.ledm', 1)
  const [job] = await send(fire, ['Shelf'], { brightness: 77 })
  const retry = (id: string | undefined) => ask('POST', `/jobs/${id}/retry`)
  t.match(await retry(job?.id), { status: 409, json: { code: 'conflict', detail: /waiting/ } })
  await ask('POST', `/jobs/${job?.id}/cancel`)
  const again = await retry(job?.id)
  t.match(again, {
    status: 201,
    json: {
      job: { boardId: shelf, patternId: fire, state: 'waiting', retryOf: job?.id, createdBy: 'operator' },
    },
  })
  const { id } = again.json['job'] as JobBody
  t.match(await store.jobs.get(jobId(id)), { optionsJson: /"brightness":77/ })
  await ask('POST', `/jobs/${id}/cancel`)
  t.match(await ask('DELETE', `/patterns/${fire}`), { status: 200 })
  t.match(await retry(id), {
    status: 201,
    json: { job: { patternId: null, name: 'fire.ledm', retryOf: id } },
  })
  t.equal((await retry('nothing')).status, 404)
  const viewer = await signIn('viewer')
  t.equal((await call(`/api/v1/jobs/${id}/retry`, { method: 'POST', token: viewer })).status, 403)
})

t.test('the checkpoint says what is durable as far as is known, and that the board decides', async t => {
  const { ask, upload, send, store, clock } = await jobRig(t)
  const [job] = await send(await upload('fire.ledm', 1), ['Shelf'])
  const checkpoint = () => ask('GET', `/jobs/${job?.id}/checkpoint`)
  t.match(await checkpoint(), {
    status: 200,
    json: { transferId: null, blocks: 0, durableBytes: 0, percent: 0, authority: 'board', boardId: shelf },
  })
  const id = jobId(job?.id ?? '')
  const [manifestSha = '', imageSha = ''] = await Promise.all(
    ['manifest', 'image'].map(text => store.blobs.put({ bytes: Buffer.from(text), nowMs: 1 })),
  )
  await store.jobs.setImage({
    id,
    nowMs: 1,
    manifestSha,
    imageSha,
    transferId: 'c0ffee',
    blocks: 9,
    imageBytes: 5000,
  })
  const nowMs = clock.wallTime() + 5000
  await store.jobs.checkpoint({ id, nowMs, durableBlocks: 4, payloadBytes: 2000, statsJson: null })
  t.match(await checkpoint(), {
    json: {
      ...{ jobId: id, state: 'waiting', transferId: 'c0ffee', blocks: 9, durableBlocks: 4, imageBytes: 5000 },
      ...{ durableBytes: 2222, percent: 44.4, updatedAt: new Date(nowMs).toISOString() },
    },
  })
  t.equal((await ask('GET', '/jobs/nothing/checkpoint')).status, 404)
})

/** The answer as it comes, over the control socket. */
async function follow(rig: Pick<LanRig, 'folder'>, id: string, headers: Record<string, string> = {}) {
  const socketPath = join(rig.folder, 'control.sock')
  const path = `/api/v1/jobs/${id}/events?follow=true`
  const asked = httpRequest({ socketPath, path, headers, agent: false })
  asked.end()
  const [answer] = (await once(asked, 'response', { signal: AbortSignal.timeout(10_000) })) as [
    IncomingMessage,
  ]
  return answer.setEncoding('utf8')
}

async function textOf(answer: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of answer) text += chunk
  return text
}

t.test('what happened to a job is told with times and reasons, and followed until its end', async t => {
  const rig = await jobRig(t)
  const { ask, upload, send, store, clock } = rig
  const [job] = await send(await upload('fire.ledm', 1), ['Shelf'])
  const id = job?.id ?? ''
  const following = await follow(rig, id)
  t.equal(following.headers['content-type'], 'application/x-ndjson')
  const asEvents = await follow(rig, id, { accept: 'text/event-stream' })
  t.match(asEvents.headers['content-type'], /^text\/event-stream/)
  await ask('POST', `/jobs/${id}/pause`)
  clock.advance(1000)
  const why = { errorCode: 'link_lost', errorMessage: 'The cable was pulled.' }
  await store.jobs.setState({ id: jobId(id), nowMs: clock.wallTime(), from: ['paused'], to: 'waiting', why })
  await ask('POST', `/jobs/${id}/cancel`)
  const expected = [
    { state: 'queued', errorCode: null },
    { state: 'waiting', errorCode: null },
    { state: 'paused' },
    { state: 'waiting', ...why, at: new Date(clock.wallTime()).toISOString() },
    { state: 'cancelled', errorCode: null },
  ]
  const { json } = await ask('GET', `/jobs/${id}/events`)
  t.match(json, { total: 5, events: expected })
  const lines = (await textOf(following)).trim().split('\n')
  t.same(
    lines.map(line => JSON.parse(line)),
    json['events'],
    'each is told once, and then the answer ends',
  )
  const told = (await textOf(asEvents)).trim().split('\n\n')
  t.same(
    told.map(event => JSON.parse(event.replace(/^data: /, ''))),
    json['events'],
  )
  t.match(await textOf(await follow(rig, id)), /"cancelled"/, 'of a job that has ended, all at once')
  t.equal((await ask('GET', '/jobs/nothing/events?follow=true')).status, 404)
  t.equal((await ask('GET', `/jobs/${id}/events?follow=maybe`)).status, 422)
})

t.test('of a job that goes on and on the first and the latest changes are kept', async t => {
  const { upload, send, store } = await jobRig(t)
  const [job] = await send(await upload('fire.ledm', 1), ['Shelf'])
  const id = jobId(job?.id ?? '')
  for (let at = 0; at < 150; at++) {
    await store.jobs.setState({ id, nowMs: 2 * at, from: ['waiting'], to: 'transferring' })
    await store.jobs.setState({ id, nowMs: 2 * at + 1, from: ['transferring'], to: 'waiting' })
  }
  const events = await store.jobs.events({ id })
  t.equal(events.length, 200)
  t.equal(events[0]?.state, 'queued')
  t.match(events.at(-1), { state: 'waiting', atMs: 299 })
})

t.test('a file is converted without being stored, and what is lost is said', async t => {
  const { call, signIn } = await jobRig(t)
  const token = await signIn('operator')
  const body = ledmFile(numbers(1, 12))
  const convert = (query: string) =>
    call(`/api/v1/patterns/convert?${query}`, { method: 'POST', token, body })
  const gif = await convert('to=gif&name=fire.ledm')
  t.match(gif, {
    status: 200,
    headers: {
      'content-type': 'application/octet-stream',
      'content-disposition': /fire\.gif/,
      'content-digest': /^sha-256=:/,
    },
  })
  t.equal(gif.bytes.subarray(0, 6).toString(), 'GIF89a')
  const raw = await convert('to=raw&name=fire.ledm')
  const notes = await convert('to=raw&name=fire.ledm&notes=true')
  t.match(notes, { status: 200, json: { format: 'raw', sizeBytes: raw.bytes.length, notes: [String] } })
  const said = String(raw.headers['x-pixelgate-note'])
  t.ok(said.length > 0)
  for (const note of notes.json['notes'] as readonly string[])
    t.ok(decodeURIComponent(said).includes(note), note)
  t.match((await call('/api/v1/patterns', { token })).json, { total: 0 }, 'nothing is stored')
  t.match(await convert('to=nothing&name=fire.ledm'), { status: 400, json: { detail: /Choose one of/ } })
  t.equal((await convert('name=fire.ledm')).status, 422)
  t.match(
    await call('/api/v1/patterns/convert?to=gif&name=x.gif', { method: 'POST', token, body: 'GIF89a' }),
    {
      status: 422,
      json: { code: 'file_invalid' },
    },
  )
})
