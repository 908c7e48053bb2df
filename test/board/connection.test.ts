import t from 'tap'
import { BoardConnection } from '../../src/board/connection.ts'
import { type ApprovedPort, Connections } from '../../src/board/connections.ts'
import type { BoardSession } from '../../src/board/session.ts'
import { AppError } from '../../src/kernel/errors.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import type { Link } from '../../src/link/link.ts'
import type { LinkSettings } from '../../src/link/link-settings.ts'
import type { SerialPortInfo } from '../../src/link/list-ports.ts'
import { type MemoryLinkPair, memoryLinkPair } from '../../src/link/memory-link.ts'
import { messageTypes } from '../../src/protocol/messages.ts'
import { errorCodes } from '../../src/protocol/wire-errors.ts'
import { healthy, pass, ScriptedBoard, silent, someCaps, watch } from './scripted-board.ts'

/** One connection to scripted boards; each opening makes a new line. */
function bench(answer = healthy()) {
  const clock = new VirtualClock()
  const lines: MemoryLinkPair[] = []
  const boards: ScriptedBoard[] = []
  const sessions: BoardSession[] = []
  const troubles: string[] = []
  const state: { answer: typeof answer; refuse: AppError | undefined; warned: number } = {
    answer,
    refuse: undefined,
    warned: 0,
  }
  const connection = new BoardConnection({
    open: async () => {
      if (state.refuse !== undefined) throw state.refuse
      const line = memoryLinkPair({ clock })
      lines.push(line)
      boards.push(new ScriptedBoard(line.board, (board, frame) => state.answer(board, frame)))
      return line.host
    },
    clock,
    log: { ...silentLog, warn: () => state.warned++ },
    random: () => 0.99,
    onSession: session => sessions.push(session),
    onTrouble: error => troubles.push(error.code),
  })
  return { clock, lines, boards, sessions, troubles, state, connection }
}

t.test('a lost link is opened again within five seconds, each time', async t => {
  const { clock, lines, sessions, connection, troubles } = bench()
  connection.start()
  await pass(clock, 50)
  for (let i = 1; i <= 5; i++) {
    t.equal(sessions.length, i)
    lines[i - 1]?.cut()
    await pass(clock, 5000)
  }
  t.equal(sessions.length, 6)
  t.equal(sessions.at(-1)?.alive, true)
  t.same(troubles, Array(5).fill('link_lost'), 'each loss is told, as a session lay between')
  t.equal(connection.trouble, undefined)
  await connection.stop()
  t.notOk(sessions.at(-1)?.alive)
})

t.test('a link that cannot be opened is told once and tried until it works', async t => {
  const { clock, sessions, state, troubles, connection } = bench()
  state.refuse = new AppError('port_missing', '/dev/ttyUSB0 does not exist.')
  connection.start()
  await pass(clock, 20_000)
  t.same(troubles, ['port_missing'])
  t.equal(state.warned, 1)
  t.equal(connection.trouble?.code, 'port_missing')
  state.refuse = undefined
  connection.wake()
  await pass(clock, 50)
  t.equal(sessions.length, 1, 'at once, as it was woken')
  await connection.stop()
})

t.test('a board that restarts is greeted again at once on the same link', async t => {
  const { clock, lines, boards, sessions, state, connection } = bench()
  connection.start()
  await pass(clock, 20)
  const [first] = sessions
  state.answer = (board, frame) => {
    if (frame.type !== messageTypes.HELLO) board.refuse(frame, errorCodes.NO_SESSION, 6)
    else healthy({ ...someCaps, bootId: 6 })(board, frame)
  }
  const asked = watch(Promise.resolve(first?.request({ type: 'STATUS' })))
  await pass(clock, 20)
  t.equal(asked.error?.code, 'board_reset')
  t.equal(sessions.length, 2)
  t.equal(sessions[1]?.caps.bootId, 6)
  t.equal(lines.length, 1)
  t.equal(boards.length, 1)
  await connection.stop()
})

t.test('a board without power is greeted until it answers', async t => {
  const { clock, sessions, state, troubles, connection, lines } = bench(silent)
  connection.start()
  await pass(clock, 12_000)
  t.same(troubles, ['board_mute'], 'told once')
  state.answer = healthy()
  await pass(clock, 2000)
  t.equal(sessions.length, 1)
  t.equal(lines.length, 1)
  await connection.stop()
  t.notOk(sessions[0]?.alive)
})

t.test(
  'a board without a UUID is given one; one that refuses it is tried again, and nothing is left talking',
  async t => {
    const nameless = { ...someCaps, uuid: new Uint8Array(16) }
    const good = bench(healthy(nameless))
    good.connection.start()
    await pass(good.clock, 50)
    t.ok(good.sessions[0]?.uuid.some(byte => byte !== 0))
    await good.connection.stop()

    const bad = bench((board, frame) => {
      if (frame.type === messageTypes.SETID) board.refuse(frame, errorCodes.STORAGE)
      else healthy(nameless)(board, frame)
    })
    bad.connection.start()
    await pass(bad.clock, 5000)
    t.same(bad.troubles, ['board_refused'])
    t.equal(bad.sessions.length, 0)
    const tries = bad.boards[0]?.heard('SETID').length ?? 0
    t.ok(tries >= 8 && tries <= 11, `${tries} tries in 5 s`)
    t.equal(bad.boards[0]?.heard('STATUS').length, 0, 'a session that failed has no heartbeat')
    await bad.connection.stop()
  },
)

t.test('a session that the gateway cannot use is not asked for again in a tight loop', async t => {
  const { clock, sessions, boards, connection } = bench()
  connection.start()
  for (let i = 0; i < 100; i++) {
    sessions.at(-1)?.end()
    await pass(clock, 20)
  }
  const greetings = boards[0]?.heard('HELLO').length ?? 0
  t.ok(greetings >= 3 && greetings <= 6, `${greetings} in 2 s`)
  await connection.stop()
})

t.test('after stop nothing goes on', async t => {
  for (const answer of [healthy(), silent]) {
    const { clock, connection } = bench(answer)
    connection.start()
    await pass(clock, 100)
    await connection.stop()
    clock.advance(0)
    t.notOk(clock.step(), 'no timer is left')
  }
  const failed = new BoardConnection({
    open: () => Promise.reject('no words'),
    clock: new VirtualClock(),
    log: silentLog,
    onSession: () => undefined,
  })
  failed.start()
  for (let i = 0; i < 5; i++) await Promise.resolve()
  t.equal(failed.trouble?.code, 'link_failed')
  await failed.stop()
})

const port = (path: string, extra: Partial<SerialPortInfo> = {}): SerialPortInfo => ({
  path,
  stableId: undefined,
  links: [],
  manufacturer: undefined,
  vendorId: '1a86',
  productId: '7523',
  serialNumber: undefined,
  ...extra,
})

t.test(
  'configured links are always open, approved ports while they are plugged in, others never',
  async t => {
    const clock = new VirtualClock()
    const opened: LinkSettings[] = []
    const open = new Map<string, Link>()
    const approved: ApprovedPort[] = [{ id: '/dev/serial/by-id/usb-A', baudRate: 500_000 }]
    let ports: SerialPortInfo[] = []
    let tell: (ports: readonly SerialPortInfo[]) => void = () => undefined
    const sessions: BoardSession[] = []
    const connections = new Connections({
      links: [
        { kind: 'tcp', host: 'board', port: 7 },
        { kind: 'serial', path: '/dev/serial/by-id/usb-C', baudRate: 9600 },
      ],
      discovery: 'known',
      approved: async () => approved,
      watch: {
        start: listener => {
          tell = listener
          listener(ports)
        },
        look: async () => undefined,
        stop: () => undefined,
      },
      open: async settings => {
        opened.push(settings)
        const name = settings.kind === 'tcp' ? settings.host : settings.path
        if (name === '/dev/serial/by-id/usb-C' && !ports.some(({ links }) => links.includes(name)))
          throw new AppError('port_missing', 'It is not there.')
        const line = memoryLinkPair({ clock, address: name })
        new ScriptedBoard(line.board, healthy({ ...someCaps, uuid: new Uint8Array(16).fill(opened.length) }))
        open.set(name, line.host)
        line.host.onClose(() => void open.delete(name))
        return line.host
      },
      clock,
      log: silentLog,
      onSession: session => sessions.push(session),
    })
    connections.start()
    await pass(clock, 50)
    t.same([...open.keys()], ['board'])

    ports = [
      port('/dev/ttyUSB0', { stableId: '/dev/serial/by-id/usb-A' }),
      port('/dev/ttyUSB1'),
      port('/dev/ttyUSB2', { links: ['/dev/serial/by-id/usb-C'] }),
    ]
    tell(ports)
    await pass(clock, 50)
    t.same([...open.keys()].sort(), ['/dev/serial/by-id/usb-C', '/dev/ttyUSB0', 'board'])
    t.match(
      opened.find(settings => settings.kind === 'serial' && settings.path === '/dev/ttyUSB0'),
      { baudRate: 500_000 },
    )
    t.same(
      (await connections.ports()).map(({ reason, open }) => [reason, open]),
      [
        ['approved', true],
        ['not_approved', false],
        ['configured', true],
      ],
    )

    approved.push({ id: '/dev/ttyUSB1', baudRate: 115_200 })
    await connections.refresh()
    await pass(clock, 50)
    t.ok(open.has('/dev/ttyUSB1'))

    ports = []
    tell(ports)
    await pass(clock, 50)
    t.same(
      [...open.keys()].sort(),
      ['/dev/serial/by-id/usb-C', 'board'],
      'what was unplugged is closed, what is configured stays',
    )
    const stopping = connections.stop()
    tell([port('/dev/ttyUSB1')])
    await pass(clock, 50)
    await stopping
    t.same([...open.keys()], [])
  },
)

t.test('with discovery of all, every USB port is tried at the usual rate', async t => {
  const clock = new VirtualClock()
  const opened: LinkSettings[] = []
  const connections = new Connections({
    links: [],
    discovery: 'all',
    approved: async () => [],
    watch: {
      start: listener => listener([port('/dev/ttyUSB0'), port('/dev/ttyS0', { vendorId: undefined })]),
      look: async () => undefined,
      stop: () => undefined,
    },
    open: async settings => {
      opened.push(settings)
      throw new AppError('port_busy', 'It is in use.')
    },
    clock,
    log: silentLog,
    onSession: () => undefined,
  })
  connections.start()
  await pass(clock, 20)
  t.match(opened[0], { kind: 'serial', path: '/dev/ttyUSB0', baudRate: 115_200 })
  t.ok(opened.every(settings => settings.kind === 'serial' && settings.path === '/dev/ttyUSB0'))
  t.match(
    (await connections.ports()).map(({ trouble, reason }) => [reason, trouble?.code]),
    [
      ['any_usb', 'port_busy'],
      ['not_usb', undefined],
    ],
  )
  await connections.stop()
})
