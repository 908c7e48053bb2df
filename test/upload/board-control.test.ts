import t from 'tap'
import { patternId } from '../../src/kernel/ids.ts'
import { ledmFile } from '../support/pixelgate.ts'
import { uploadRig } from './upload-rig.ts'

const drawn = (fileName: string) => ({ raw: false, fileName })

t.test('a command changes the board, and what it does then is told once', async t => {
  const rig = await uploadRig(t)
  const bench = await rig.present(rig.board(1))
  const { control, states, bus } = rig.core
  const told: string[] = []
  bus.on('board.state', ({ state }) => told.push(`${state.mode} ${state.brightness}`))
  const [job] = await rig.submit([bench], ledmFile([1, 2], 16, 16), drawn('one.bin'))
  await rig.ends(job, 'done')
  await rig.until(control.act(bench.id, { type: 'STATUS' }))
  t.equal(states.get(bench.id)?.mode, 'playing')

  told.length = 0
  const answer = await rig.until(control.act(bench.id, { type: 'BRIGHTNESS', level: 40 }))
  t.match(answer, { type: 'BRIGHTNESS', level: 40 })
  t.equal(states.get(bench.id)?.brightness, 40)
  await rig.until(control.act(bench.id, { type: 'STOP' }))
  await rig.pass(10_000)
  t.same(told, ['playing 40', 'stopped 40'], 'the heartbeats between say nothing')
})

t.test('SELECT plays what an earlier upload left; the view names pattern and image', async t => {
  const rig = await uploadRig(t)
  const bench = await rig.present(rig.board(1))
  const { control, views } = rig.core
  const jobs = []
  for (const [seed, fileName] of ['one.bin', 'two.bin'].entries()) {
    const [job] = await rig.submit([bench], ledmFile([seed, 3, 4], 16, 16), drawn(fileName))
    jobs.push(await rig.ends(job, 'done'))
  }
  const [first, second] = jobs
  const shown = async () => {
    await rig.until(control.act(bench.id, { type: 'STATUS' }))
    return (await views.find(bench.id)).status
  }
  t.match(await shown(), { patternName: 'two.bin', imageId: second?.transferId, mode: 'playing' })
  const patternOf = first?.patternId ?? patternId('')
  await rig.until(control.act(bench.id, { type: 'SELECT', patternId: patternOf }))
  t.match(await shown(), { patternName: 'one.bin', imageId: first?.transferId, patternId: patternOf })
  const unknown = { type: 'SELECT', patternId: patternId('nothing') } as const
  await t.rejects(rig.until(control.act(bench.id, unknown)), {
    code: 'not_found',
    message: /Upload it again/,
  })
})

t.test('a board that is away cannot be told anything, and its last state is not claimed', async t => {
  const rig = await uploadRig(t)
  const bench = await rig.present(rig.board(1))
  await rig.until(rig.core.control.act(bench.id, { type: 'STATUS' }))
  t.match((await rig.core.views.find(bench.id)).status, { mode: 'stopped', imageId: null, patternName: null })
  bench.unplug()
  await rig.when(() => rig.core.registry.session(bench.id) === undefined, 'the end of the session')
  await t.rejects(rig.core.control.act(bench.id, { type: 'PLAY' }), { code: 'board_mute' })
  t.match(await rig.core.views.find(bench.id), { state: 'away', status: null })
})
