import fc from 'fast-check'
import t from 'tap'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { decideOpen, type OpenPolicy } from '../../src/link/decide-open.ts'
import { deviceNames, PortPoll } from '../../src/link/discovery.ts'
import { listPorts, type SerialPortInfo } from '../../src/link/list-ports.ts'

const port = (path: string, known: Partial<SerialPortInfo> = {}): SerialPortInfo => ({
  path,
  stableId: undefined,
  links: [],
  manufacturer: undefined,
  vendorId: undefined,
  productId: undefined,
  serialNumber: undefined,
  ...known,
})

const unoId = '/dev/serial/by-id/usb-Arduino_Uno_123-if00'
const uno = port('/dev/ttyACM0', { stableId: unoId, links: [unoId], vendorId: '2341' })
const stranger = port('/dev/ttyUSB0', {
  stableId: '/dev/serial/by-id/usb-Zigbee_stick-if00',
  vendorId: '10c4',
})
const uart = port('/dev/ttyAMA0')
const ports = [uno, stranger, uart]
const reasons = (policy: Partial<OpenPolicy>) =>
  decideOpen(ports, { discovery: 'known', configured: [], approved: [], ...policy }).map(
    ({ open, reason }) => `${open} ${reason}`,
  )

t.test('a port that is bridged is for no board, whatever else is said of it', async t => {
  const all = { discovery: 'all', approved: [unoId], configured: ['/dev/ttyACM0'] } as const
  const without = reasons(all)
  const bridged = reasons({ ...all, bridged: [unoId] })
  const at = without.findIndex((reason, i) => reason !== bridged[i])
  t.equal(bridged[at], 'false bridge')
  t.equal(without.filter((reason, i) => reason !== bridged[i]).length, 1, 'the others are as they were')
})

t.test('only configured and approved ports are opened, and each refusal has its reason', t => {
  t.same(reasons({}), ['false not_approved', 'false not_approved', 'false not_approved'])
  t.same(reasons({ configured: ['/dev/ttyAMA0', unoId] }), [
    'true configured',
    'false not_approved',
    'true configured',
  ])
  t.same(reasons({ approved: [unoId, '/dev/ttyAMA0'] }), [
    'true approved',
    'false not_approved',
    'true approved',
  ])
  t.same(
    reasons({ approved: ['/dev/ttyUSB0'] })[1],
    'false not_approved',
    'a path is no approval where a stable id exists',
  )
  t.same(reasons({ discovery: 'all' }), ['true any_usb', 'true any_usb', 'false not_usb'])
  t.same(reasons({ discovery: 'off', configured: ['/dev/ttyACM0'], approved: ['/dev/ttyAMA0'] }), [
    'true configured',
    'false discovery_off',
    'false discovery_off',
  ])
  t.end()
})

t.test('an approved device is followed through any shuffle of paths, and no other takes its place', t => {
  const ids = ['/dev/serial/by-id/a', '/dev/serial/by-id/b', '/dev/serial/by-id/c']
  fc.assert(
    fc.property(fc.shuffledSubarray(ids, { minLength: 3 }), fc.subarray(ids), (order, approved) => {
      const shuffled = order.map((stableId, at) => port(`/dev/ttyUSB${at}`, { stableId, links: [stableId] }))
      const opened = decideOpen(shuffled, { discovery: 'known', configured: [], approved }).filter(
        ({ open }) => open,
      )
      return (
        opened.length === approved.length &&
        opened.every(({ port }) => approved.includes(port.stableId ?? ''))
      )
    }),
  )
  t.end()
})

t.test(
  'ports carry the link that follows the device, or its socket when it has no serial number',
  async t => {
    const dev = t.testdir({
      ttyUSB0: '',
      ttyUSB1: '',
      ttyUSB10: '',
      ttyAMA0: '',
      board: t.fixture('symlink', 'ttyAMA0'),
      serial: {
        'by-id': {
          'usb-FTDI_A1-if00': t.fixture('symlink', '../../ttyUSB0'),
          'usb-1a86_USB_Serial-if00': t.fixture('symlink', '../../ttyUSB1'),
          'usb-gone': t.fixture('symlink', '../../ttyUSB9'),
        },
        'by-path': { 'platform-usb-0:1:1.0': t.fixture('symlink', '../../ttyUSB1') },
      },
    })
    const usb = { manufacturer: 'FTDI', vendorId: '0403', productId: '6001', serialNumber: 'A1' }
    const list = async () => [
      { path: `${dev}/ttyUSB10` },
      { path: `${dev}/ttyUSB1`, vendorId: '1a86' },
      { path: `${dev}/ttyUSB0`, ...usb },
    ]
    const configured = [`${dev}/board`, `${dev}/ttyUSB0`, `${dev}/nothing`]
    const found = await listPorts({ list, devFolder: dev, configured })
    t.match(found, [
      { path: `${dev}/ttyAMA0`, stableId: undefined, links: [`${dev}/board`] },
      { path: `${dev}/ttyUSB0`, stableId: `${dev}/serial/by-id/usb-FTDI_A1-if00`, ...usb },
      { path: `${dev}/ttyUSB1`, stableId: `${dev}/serial/by-path/platform-usb-0:1:1.0`, vendorId: '1a86' },
      { path: `${dev}/ttyUSB10`, stableId: undefined, links: [] },
    ])
    t.match(
      decideOpen(found, { discovery: 'off', configured, approved: [] }).map(({ open }) => open),
      [true, true, false, false],
    )
  },
)

t.test('without udevadm the kernel’s tables tell the ports and their USB descriptors', async t => {
  const sys = t.testdir({
    devices: {
      usb1: {
        '1-1': {
          idVendor: '2341\n',
          idProduct: '0043\n',
          serial: '855\n',
          manufacturer: 'Arduino\n',
          '1-1:1.0': {},
        },
      },
      soc: { uart0: {} },
      platform: { serial8250: {} },
    },
    class: {
      tty: {
        ttyACM0: { device: t.fixture('symlink', '../../../devices/usb1/1-1/1-1:1.0') },
        ttyAMA0: { device: t.fixture('symlink', '../../../devices/soc/uart0') },
        ttyS0: { device: t.fixture('symlink', '../../../devices/platform/serial8250') },
        tty1: {},
      },
    },
  })
  const list = () => Promise.reject(new Error('spawn udevadm ENOENT'))
  const found = await listPorts({ list, sysFolder: sys, devFolder: '/nowhere' })
  t.match(found, [
    {
      path: '/nowhere/ttyACM0',
      vendorId: '2341',
      productId: '0043',
      serialNumber: '855',
      manufacturer: 'Arduino',
    },
    { path: '/nowhere/ttyAMA0', vendorId: undefined },
  ])
  t.equal(found.length, 2)
  // udevadm tells of every ttyS that the 8250 driver has reserved; only a configured one counts.
  const ghosts = ['ttyACM0', 'ttyS0'].map(name => ({ path: `/nowhere/${name}` }))
  const told = await listPorts({ list: async () => ghosts, sysFolder: sys, devFolder: '/nowhere' })
  t.same(
    told.map(({ path }) => path),
    ['/nowhere/ttyACM0'],
  )
  t.ok(Array.isArray(await listPorts()), 'this machine is listed without a fault')
})

t.test(
  'hot-plug: the first list and each change are told, the costly list only when names change',
  async t => {
    const clock = new VirtualClock()
    const state = { signature: 'a', ports: [uno], lists: 0, fails: false }
    const watch = new PortPoll({
      clock,
      list: async () => {
        state.lists += 1
        if (state.fails) throw new Error('cannot list')
        return state.ports
      },
      signature: async () => state.signature,
    })
    const told: (readonly SerialPortInfo[])[] = []
    watch.start(list => void told.push(list))
    await watch.look()
    t.same(told, [[uno]])
    const pass = async () => {
      clock.advance(2_000)
      await watch.look()
    }
    await pass()
    t.equal(state.lists, 1, 'nothing changed')
    Object.assign(state, { signature: 'b' })
    await pass()
    t.equal(told.length, 1, 'the same ports under new names elsewhere')
    Object.assign(state, { signature: 'c', ports: [uno, stranger], fails: true })
    await pass()
    t.equal(told.length, 1)
    Object.assign(state, { fails: false })
    await pass()
    t.same(told.at(-1), [uno, stranger], 'a list that failed is tried again')
    watch.stop()
    Object.assign(state, { signature: 'd', ports: [] })
    await watch.look()
    t.equal(told.length, 2)
    t.notOk(clock.step(), 'no timer stays')
  },
)

t.test('a look that fails to read names lists all the same', async t => {
  const clock = new VirtualClock()
  let lists = 0
  const watch = new PortPoll({
    clock,
    list: async () => {
      lists += 1
      return []
    },
    signature: () => Promise.reject(new Error('no /dev')),
  })
  watch.start(() => undefined)
  await watch.look()
  await watch.look()
  t.equal(lists, 2)
  watch.stop()
})

t.test('the names that are watched are terminals and their links', async t => {
  const dev = t.testdir({ ttyUSB0: '', tty: '', tty1: '', null: '', serial: { 'by-id': { 'usb-x': '' } } })
  t.equal(await deviceNames(dev), 'ttyUSB0\nusb-x')
  t.equal(await deviceNames(`${dev}/nowhere`), '')
  const watch = new PortPoll({ clock: new VirtualClock(), list: async () => [] })
  t.equal(await watch.look(), undefined, 'this machine’s names')
})
