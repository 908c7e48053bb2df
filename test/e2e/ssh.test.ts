import { fileURLToPath } from 'node:url'
import t from 'tap'
import { eventually, ledmFile, startBoard, workplace } from '../support/pixelgate.ts'
import { startSshd, withoutSsh } from '../support/sshd.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const frames = Array.from({ length: 600 }, (_, at) => at)

t.test('a job outlives the SSH session that has asked for it', { skip: withoutSsh() }, async t => {
  const place = await workplace(t)
  // A slow line, so that the upload is still under way when the session is cut.
  const board = await startBoard(t, place)
  const links = [{ kind: 'serial', path: board.path, baudRate: 115_200 }]
  await place.file('config.json', JSON.stringify({ links }))
  const daemon = place.start('serve', '--config', place.path('config.json'))
  t.teardown(() => daemon.kill())
  await daemon.says(({ ready }) => ready === true, 'ready')
  await eventually(
    async () => (await place.here('boards', '--json')).last['boards']?.[0]?.state === 'connected',
    'the board',
  )
  const file = await place.file('noise.dat', ledmFile(frames))
  const ssh = await startSshd(t, place)
  const words = [
    process.execPath,
    '--import',
    'tsx',
    'src/main.ts',
    'upload',
    file,
    '--board',
    "'virtual board'",
  ]
  const socket = `--socket ${place.env['PIXELGATE_CONTROL_SOCKET']}`
  const session = ssh.session(`cd ${root} && ${words.join(' ')} --json ${socket}`)
  let said = ''
  for (const stream of [session.stdout, session.stderr])
    stream?.on('data', chunk => {
      said += chunk
    })
  await eventually(() => {
    if (session.exitCode !== null) throw new Error(`the session has ended: ${said}`)
    return said.includes('"event":"progress"')
  }, 'progress over SSH')
  t.notMatch(said, /"event":"done"/, 'it was under way')
  session.kill('SIGKILL')
  const job = await eventually(async () => {
    const [newest] = (await place.here('jobs', '--json')).last['jobs'] ?? []
    return newest?.state === 'done' && newest
  }, 'the job')
  t.equal(job.durableBlocks, job.blocks)
  t.equal(job.attempts, 1, 'nothing was interrupted')
  t.match(await board.playing(), /^[0-9a-f]{32}$/)
})
