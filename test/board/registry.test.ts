import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { BoardBook } from '../../src/board/board-book.ts'
import { PortApprovals } from '../../src/board/port-approvals.ts'
import { type BoardEvents, BoardRegistry } from '../../src/board/registry.ts'
import { Bus } from '../../src/kernel/bus.ts'
import { type BoardId, boardId } from '../../src/kernel/ids.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import type { SerialPortInfo } from '../../src/link/list-ports.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { silent, someCaps, wiredSession } from './scripted-board.ts'

type Test = { teardown(done: () => Promise<void>): void }

async function someStore(t: Test): Promise<Store> {
  const folder = await mkdtemp(join(tmpdir(), 'board-'))
  const store = await openStore(join(folder, 'gateway.db'))
  t.teardown(async () => {
    await store.close()
    await rm(folder, { recursive: true, force: true })
  })
  return store
}

/** A session of a board with that UUID, at that address. */
const session = (uuidByte: number, address = `port ${uuidByte}`, caps = {}) =>
  wiredSession(
    silent,
    { ...someCaps, uuid: new Uint8Array(16).fill(uuidByte), ...caps },
    new VirtualClock(),
    address,
  ).session

const idOf = (uuidByte: number): BoardId => boardId(session(uuidByte).id)

function registry() {
  const bus = new Bus<BoardEvents>()
  const told: string[] = []
  let errors = 0
  bus.on('board.up', ({ session }) => told.push(`up ${session.channel.link.address}`))
  bus.on('board.down', ({ error }) => told.push(`down ${error?.code ?? ''}`.trim()))
  bus.on('board.quarantined', ({ addresses }) => told.push(`quarantined ${addresses.join(', ')}`))
  const log = { ...silentLog, error: () => errors++ }
  return { registry: new BoardRegistry(bus, log), told, errors: () => errors }
}

t.test('a board is there from its greeting to the end of its session', async t => {
  const { registry: boards, told } = registry()
  const one = session(1)
  const two = session(2)
  boards.add(one)
  boards.add(two)
  t.same(boards.present(), [idOf(1), idOf(2)])
  t.equal(boards.session(idOf(1)), one)
  void one.channel.link.close()
  t.equal(boards.session(idOf(1)), undefined)
  t.same(boards.present(), [idOf(2)])
  two.end()
  t.same(told, ['up port 1', 'up port 2', 'down link_lost', 'down'])
})

t.test(
  'two boards with one UUID are both set aside; the one that stays comes back when the other leaves',
  async t => {
    const { registry: boards, told, errors } = registry()
    const first = session(1, 'left')
    const second = session(1, 'right')
    const third = session(1, 'third')
    boards.add(first)
    t.notOk(boards.quarantined(idOf(1)))
    boards.add(second)
    t.ok(boards.quarantined(idOf(1)))
    t.equal(boards.session(idOf(1)), undefined, 'neither is used')
    boards.add(third)
    t.equal(errors(), 2)
    third.end()
    t.ok(boards.quarantined(idOf(1)), 'two are still too many')
    first.end()
    t.equal(boards.session(idOf(1)), second)
    second.end()
    t.notOk(boards.quarantined(idOf(1)))
    t.same(told, [
      'up left',
      'down',
      'quarantined left, right',
      'quarantined left, right, third',
      'up right',
      'down',
    ])
  },
)

t.test('the book keeps what a board says of itself and what a person says of it', async t => {
  const store = await someStore(t)
  const book = new BoardBook(store, new VirtualClock())
  const met = await book.meet(session(1))
  t.match(met, {
    id: idOf(1),
    name: 'shelf',
    leds: 256,
    width: 16,
    height: 16,
    wiring: 'row-straight-tl',
    firmware: 'test 1',
    linkKind: 'memory',
    linkAddress: 'port 1',
    bootId: 5,
  })
  t.equal((await book.meet(session(2))).name, 'shelf-02020202', 'two of one make are told apart')
  t.equal((await book.meet(session(3, 'x', { boardName: '' }))).name, 'board-03030303')
  t.equal((await book.list()).length, 3)

  const changed = await book.change(idOf(1), { name: 'Küche', wiring: 'row-serpentine-tl', powerCapMa: 900 })
  t.match(changed, {
    name: 'Küche',
    wiring: 'row-serpentine-tl',
    powerCapMa: 900,
    colorOrder: 'RGB',
    width: 16,
  })
  t.match(
    await book.profileOf(session(1, 'x', { maxPowerMa: 5000 })),
    { wiring: 'row-serpentine-tl', powerCapMa: 900 },
    'a person’s word counts more',
  )
  await book.change(idOf(1), { powerCapMa: null, width: 32, height: 8, colorOrder: 'GRB' })
  t.match(await book.profileOf(session(1, 'x', { maxPowerMa: 5000 })), {
    powerCapMa: 5000,
    width: 32,
    height: 8,
    colorOrder: 'GRB',
  })
  t.equal((await book.profileOf(session(1))).powerCapMa, undefined)
  t.equal((await book.meet(session(1))).name, 'Küche', 'a later greeting does not rename it')
  t.match(await book.profileOf(session(9)), { leds: 256 }, 'a board that nobody has written down yet')
})

t.test('a layout stands for width, height and wiring until one of them is set', async t => {
  const store = await someStore(t)
  const book = new BoardBook(store, new VirtualClock())
  await book.meet(session(1))
  const layout = { json: '{"kind":"x"}', width: 20, height: 20, leds: 200 }
  t.match(await book.change(idOf(1), { layout }), { width: 20, height: 20, layoutJson: layout.json })
  t.match(await book.change(idOf(1), { name: 'ring', powerCapMa: 5 }), { width: 20, layoutJson: layout.json })
  t.match(
    await book.meet(session(1)),
    { width: 20, height: 20, layoutJson: layout.json },
    'a greeting leaves it alone',
  )
  t.match(await book.profileOf(session(1)), { width: 20, layout: layout.json })
  t.match(
    await book.change(idOf(1), { layout: null }),
    { width: 0, height: 0, layoutJson: null },
    'no matrix of 256 LEDs',
  )
  t.equal((await book.profileOf(session(1))).layout, undefined)
  await book.change(idOf(1), { layout: { ...layout, width: 16, height: 16, leds: 256 } })
  t.match(await book.change(idOf(1), { layout: null }), { width: 16, height: 16, layoutJson: null })
  await book.change(idOf(1), { layout })
  t.match(await book.change(idOf(1), { width: 32, height: 8 }), { width: 32, height: 8, layoutJson: null })
  await t.rejects(book.change(idOf(1), { layout, wiring: 'row-straight-tl' }), {
    code: 'usage',
    message: /either a layout/,
  })
  await t.rejects(book.change(idOf(1), { layout: { ...layout, leds: 257 } }), {
    code: 'usage',
    message: /257 LEDs; this board has 256/,
  })
})

t.test('a change that cannot be is refused as a whole', async t => {
  const store = await someStore(t)
  const book = new BoardBook(store, new VirtualClock())
  await book.meet(session(1))
  await t.rejects(book.change(idOf(1), { name: 'new', width: 10 }), {
    code: 'usage',
    message: /10×16 are 160 LEDs; this board has 256/,
  })
  t.match(await book.find(idOf(1)), { name: 'shelf', width: 16 })
  t.match(await book.change(idOf(1), { width: 0, height: 0 }), { width: 0, height: 0 })
  await t.rejects(book.change(idOf(7), { name: 'ghost' }), { code: 'not_found' })
})

t.test('a board is found by id, by name or by the start of its id, if only one fits', async t => {
  const store = await someStore(t)
  const book = new BoardBook(store, new VirtualClock())
  await book.meet(session(0xab, 'a', { boardName: 'attic' }))
  await book.meet(session(1, 'b', { boardName: 'kitchen' }))
  t.equal((await book.find('attic')).id, idOf(0xab))
  t.equal((await book.find(idOf(1).toUpperCase())).name, 'kitchen')
  t.equal((await book.find('ABAB')).name, 'attic')
  await t.rejects(book.find('aba'), { code: 'not_found' }, 'three digits are too few')
  await t.rejects(book.find(''), { code: 'not_found' })
  await book.change(idOf(1), { name: 'attic' })
  await t.rejects(book.find('attic'), { code: 'conflict', message: /fits 2 boards/ })
})

t.test('an approval sticks to the device where it can be told, to the path where not', async t => {
  const store = await someStore(t)
  const approvals = new PortApprovals(store, new VirtualClock())
  const usb: SerialPortInfo = {
    path: '/dev/ttyUSB0',
    stableId: '/dev/serial/by-id/usb-A',
    links: ['/dev/serial/by-id/usb-A', '/dev/serial/by-path/p1'],
    manufacturer: undefined,
    vendorId: '1',
    productId: '2',
    serialNumber: '3',
  }
  const uart: SerialPortInfo = { ...usb, path: '/dev/ttyAMA0', stableId: undefined, links: [] }
  await approvals.approve('/dev/ttyUSB0', 500_000, [usb, uart])
  await approvals.approve('/dev/serial/by-path/p1', 250_000, [usb, uart])
  await approvals.approve('/dev/ttyAMA0', 9600, [usb, uart])
  await approvals.approve('/dev/ttyUSB7', 115_200, [usb, uart])
  t.same(await approvals.list(), [
    { id: '/dev/serial/by-id/usb-A', baudRate: 250_000 },
    { id: '/dev/ttyAMA0', baudRate: 9600 },
    { id: '/dev/ttyUSB7', baudRate: 115_200 },
  ])
  await t.rejects(approvals.approve('COM3', 9600, [usb]), { code: 'usage' })
  await approvals.revoke('/dev/ttyUSB0', [usb])
  await approvals.revoke('/dev/ttyUSB7', [])
  await t.rejects(approvals.revoke('/dev/ttyUSB0', [usb]), { code: 'not_found' })
  await approvals.approve('/dev/ttyUSB0', 9600, [])
  await approvals.revoke('/dev/ttyUSB0', [usb])
  t.same(
    (await approvals.list()).map(({ id }) => id),
    ['/dev/ttyAMA0'],
    'one that was given by path while the device was away',
  )
  await store.approvedPorts.approve({ path: '/dev/ttyS1', kind: 'serial', baudRate: null, approvedMs: 0 })
  t.match((await approvals.list()).at(-1), { id: '/dev/ttyS1', baudRate: 115_200 })
})
