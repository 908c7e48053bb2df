import { statSync } from 'node:fs'
import t from 'tap'
import { type Event, eventually, ledmFile, numbers, startBoard, workplace } from '../support/pixelgate.ts'

const uuid = 'aaaaaaaa-0000-4000-8000-000000000001'

t.test(
  'a board is paired over its port; another that claims its name is refused, until a person says so',
  async t => {
    const place = await workplace(t)
    const port = place.path('port')
    const flash = place.path('flash')
    const real = await startBoard(t, place, { uuid, name: 'window', pty: port, flash })
    const link = { kind: 'serial', path: port, baudRate: 1_000_000 }
    await place.file('config.json', JSON.stringify({ links: [link], log: { level: 'warn' } }))
    const daemon = place.start('serve', '--config', place.path('config.json'))
    t.teardown(() => daemon.kill())
    await daemon.says(({ ready }) => ready === true, 'ready')
    const board = async (): Promise<Event> =>
      (await place.here('boards', '--json')).last['boards']?.find(({ id }: Event) => id === uuid) ?? {}
    const is = (state: string, trust: string) =>
      eventually(async () => {
        const { state: now, trust: shown } = await board()
        return now === state && shown === trust
      }, `${state} and ${trust}`)

    await is('connected', 'untrusted')
    t.match((await place.here('boards')).stdout, /window +connected.* untrusted /)
    t.equal((await place.here('board', 'unpair', 'window')).status, 2, 'there is no key to take')
    const paired = await place.here('board', 'pair', 'window')
    t.match(paired, { status: 0, stdout: /window is paired and has proved its key/ })
    t.notMatch(paired.stdout + paired.stderr, /[0-9a-f]{32}/, 'no key is shown')
    t.match(await board(), { trust: 'paired', trusted: true })
    const file = statSync(place.path('state/pairing.key'))
    t.same([file.size, file.mode & 0o777], [32, 0o600])
    const pattern = await place.file('a.bin', ledmFile(numbers(0, 4)))
    t.equal((await place.here('upload', pattern, '--board', 'window')).status, 0)

    await real.stop()
    await is('away', 'paired')
    const forged = await startBoard(t, place, { uuid, name: 'window', pty: port, flash: place.path('other') })
    await is('away', 'refused')
    t.match((await place.here('boards')).stdout, /window +away.* refused /)
    t.equal((await place.here('board', 'pair', 'window')).status, 7)
    const asked = await place.here('board', 'unpair', 'window')
    t.match(asked, { status: 2, stderr: /--forget/ })
    await forged.stop()

    const back = await startBoard(t, place, { uuid, name: 'window', pty: port, flash })
    await is('connected', 'paired')
    t.equal((await place.here('upload', pattern, '--board', 'window')).status, 0)
    const alone = await place.here('upload', pattern, '--port', port)
    t.not(alone.status, 0, 'somebody else cannot upload')
    t.match((await place.here('board', 'unpair', 'window')).stdout, /The key of window is removed/)
    await is('connected', 'untrusted')
    await back.stop()
  },
)
