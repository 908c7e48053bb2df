import type { DoneReport } from '../../src/upload/report.ts'
import type { BoardView } from '../../src/wire/board.ts'
import type { JobView } from '../../src/wire/job.ts'
import type { StoredPatternView } from '../../src/wire/pattern.ts'
import type { PortView } from '../../src/wire/port.ts'
import { cpuShare, daemonPid } from './daemon-facts.ts'
import { type Guest, until } from './guest.ts'
import type { Machine } from './machine.ts'
import { noisePattern } from './noise-pattern.ts'
import type { Report } from './report.ts'
import { type SerialBoard, strip } from './serial-board.ts'
import { plugAdapter, type UsbAdapter } from './usb-port.ts'

const serialNumber = 'RIG0001'
const link = `/dev/serial/by-id/usb-QEMU_QEMU_USB_SERIAL_${serialNumber}-if00-port0`
const baudRate = 115_200
/** 7 s of line: an emulated machine needs a moment to pull a cable in the middle. */
const noiseFrames = 420
const noiseSeed = 20_240_611
const mostDetectMs = 2_000
/** A loop that retries a dead descriptor takes all of a core. */
const mostCpuShare = 0.5

interface Cut {
  readonly job: string
  readonly blocks: number
  readonly durable: number
}

const boardsOf = async (guest: Guest) =>
  (await guest.api<{ boards: readonly BoardView[] }>('GET', '/boards')).boards
const portsOf = async (guest: Guest) =>
  (await guest.api<{ ports: readonly PortView[] }>('GET', '/ports')).ports
const jobOf = (guest: Guest, id: string) =>
  guest.api<{ job: JobView }>('GET', `/jobs/${id}`).then(({ job }) => job)
const connected = async (guest: Guest) =>
  (await boardsOf(guest)).find(({ state, status }) => state === 'connected' && status !== null)
const seconds = (sinceMs: number) => `${((performance.now() - sinceMs) / 1000).toFixed(2)} s`

/** A real ftdi_sio in the guest, an adapter that comes and goes, and a board at the far end of the line. */
export async function runUsbSteps(report: Report, machine: Machine, board: SerialBoard): Promise<void> {
  const { guest } = machine
  const noise = noisePattern(strip.leds, noiseFrames, noiseSeed)
  let adapter: UsbAdapter | undefined
  let cut: Cut | undefined

  const plugged = 'an adapter that is plugged in has a name of its own and the rights of the udev rules'
  await report.step(plugged, 120_000, async () => {
    adapter = await plugAdapter(machine, serialNumber, board.port())
    await guest.run(`until [ -e ${link} ]; do sleep 0.1; done; udevadm settle`, 100_000)
    const device = await guest.run(`readlink -f ${link}`)
    const name = device.replace('/dev/', '')
    const said = await guest.run(`
      stat -c '%U:%G %a' ${device}
      cat /sys/bus/usb-serial/devices/${name}/latency_timer
      basename $(readlink /sys/bus/usb-serial/devices/${name}/driver)
      for each in /sys/bus/usb/devices/*; do
        [ "$(cat $each/serial 2>/dev/null)" != ${serialNumber} ] || udevadm info -q property -p $each | grep ID_MM_DEVICE_IGNORE
      done`)
    const wanted = 'root:dialout 660\n1\nftdi_sio\nID_MM_DEVICE_IGNORE=1'
    if (said !== wanted) throw new Error(`wanted ${wanted}, found ${said}`)
    return `${link} is ${device} (ftdi_sio, root:dialout 660), latency_timer 1 ms, kept from ModemManager`
  })

  const listed = 'the daemon lists it and opens it only when it is approved'
  await report.step(
    listed,
    90_000,
    async () => {
      const startMs = performance.now()
      const port = await until(
        async () => (await portsOf(guest)).find(({ stableId }) => stableId === link),
        'the port to be listed',
        30_000,
      )
      const foundIn = seconds(startMs)
      if (port.open || port.reason !== 'not_approved') throw new Error(JSON.stringify(port))
      const approvedMs = performance.now()
      await guest.api('POST', '/ports', { path: link, baudRate })
      const { name, firmware } = await until(() => connected(guest), 'the board to greet', 60_000)
      return `listed after ${foundIn}, the board greeted ${seconds(approvedMs)} after the approval: ${name}, ${firmware} (${board.words})`
    },
    [plugged],
  )

  const uploaded = 'a GIF goes through the command, the service and the adapter, and plays'
  await report.step(
    uploaded,
    240_000,
    async () => {
      const said = await guest.run('pixelgate upload /srv/pixelgate/samples/comet.gif --all --json', 230_000)
      const done = said
        .split('\n')
        .map(line => JSON.parse(line))
        .find(({ event }) => event === 'done')
      if (done === undefined) throw new Error(said.slice(-500))
      const { status } = await until(
        async () => {
          const now = await connected(guest)
          return now?.status?.patternName === 'comet.gif' && now
        },
        'the board to play it',
        10_000,
      )
      if (status?.mode !== 'playing') throw new Error(`the board is ${status?.mode}`)
      const { imageBytes, durationMs, lineShare, resentBlocks, digest } = done
      if (resentBlocks !== 0) throw new Error(`${resentBlocks} blocks were sent twice`)
      return `${imageBytes} bytes in ${(durationMs / 1000).toFixed(2)} s, ${(lineShare * 100).toFixed(0)} % of the line; ${digest.alg} ${digest.value} from the board`
    },
    [listed],
  )

  const detected = 'a cable that is pulled during traffic is noticed within 2 s'
  await report.step(
    detected,
    120_000,
    async () => {
      const stored = await guest.api<StoredPatternView>('POST', '/patterns?name=noise.bin', noise.file)
      const candidate = stored.candidates.find(
        ({ frames, leds }) => frames === noiseFrames && leds === strip.leds,
      )
      if (candidate === undefined) throw new Error(JSON.stringify(stored.candidates))
      const before = await connected(guest)
      if (before === undefined) throw new Error('the board is away')
      const body = { patternId: stored.pattern.id, boards: [before.id], candidate: candidate.index }
      const { jobs } = await guest.api<{ jobs: readonly JobView[] }>('POST', '/jobs', {
        ...body,
        width: strip.width,
        height: strip.height,
        scalePower: true,
      })
      const id = jobs[0]?.id ?? ''
      await until(
        async () => {
          const { durableBlocks, blocks, state, errorMessage } = await jobOf(guest, id)
          if (state === 'failed' || state === 'done')
            throw new Error(`${state} before the cut: ${errorMessage}`)
          return durableBlocks >= 2 && durableBlocks * 3 >= blocks
        },
        'a third of it to be on the board',
        60_000,
        50,
      )
      const startMs = performance.now()
      await adapter?.unplug()
      await until(
        async () => (await boardsOf(guest)).every(({ state }) => state === 'away'),
        'the board to be away',
        20_000,
        20,
      )
      const tookMs = performance.now() - startMs
      const { blocks, durableBlocks, state } = await jobOf(guest, id)
      cut = { job: id, blocks, durable: durableBlocks }
      if (tookMs > mostDetectMs) throw new Error(`it took ${(tookMs / 1000).toFixed(2)} s`)
      return `${(tookMs / 1000).toFixed(2)} s from the pull to the API's "away"; ${durableBlocks} of ${blocks} blocks on the board, job ${state}`
    },
    [listed],
  )

  await report.step(
    'nothing spins while the cable is out',
    60_000,
    async () => {
      const share = await cpuShare(guest, 6)
      const open = await guest.run(`ls -l /proc/${await daemonPid(guest)}/fd | grep -c ttyUSB || true`)
      if (open !== '0') throw new Error(`the daemon still has ${open} descriptors of the port that has gone`)
      if (share > mostCpuShare) throw new Error(`the daemon takes ${(share * 100).toFixed(0)} % of a core`)
      return `${(share * 100).toFixed(1)} % of a core over 6 s; no descriptor of the port is left`
    },
    [detected],
  )

  const back = 'plugged in as another ttyUSB, it is found by its id and goes on from the checkpoint'
  let stranger: UsbAdapter | undefined
  await report.step(
    back,
    240_000,
    async () => {
      if (cut === undefined) throw new Error('nothing was cut')
      stranger = await plugAdapter(machine, 'STRANGER')
      await guest.run('until [ -e /dev/serial/by-id/*STRANGER* ]; do sleep 0.1; done', 30_000)
      await board.cutPower()
      const startMs = performance.now()
      adapter = await plugAdapter(machine, serialNumber, board.port())
      const { address } = await until(() => connected(guest), 'the board to greet', 60_000, 50)
      const backIn = seconds(startMs)
      const { job: id, durable } = cut
      const state = await until(
        async () => {
          const job = await jobOf(guest, id)
          return /done|failed|paused|cancelled/.test(job.state) && job
        },
        'the job to end',
        120_000,
      )
      if (state.state !== 'done') throw new Error(`${state.state}: ${state.errorMessage}`)
      const told = await guest.api<DoneReport>('GET', `/jobs/${id}/report`)
      const { resumed, resentBlocks, retransmittedBytes } = told
      const device = await guest.run(`readlink -f ${link}`)
      if (address === '/dev/ttyUSB0' || device === '/dev/ttyUSB0') throw new Error(`it is ${device} again`)
      if (resumed !== true || resentBlocks !== 0) throw new Error(JSON.stringify(told))
      return `${device}, attached ${backIn} after the plug; from block ${durable}, ${resentBlocks} blocks sent twice (${retransmittedBytes} bytes of the block that was cut)`
    },
    [detected],
  )

  await report.step(
    'a stranger that has taken the old name stays closed',
    30_000,
    async () => {
      const port = (await portsOf(guest)).find(({ serialNumber: number }) => number === 'STRANGER')
      if (port === undefined) throw new Error('it is not listed')
      const held = await guest.run(
        `ls -l /proc/${await daemonPid(guest)}/fd | grep -c '${port.path}$' || true`,
      )
      if (port.open || held !== '0') throw new Error(`${JSON.stringify(port)}, ${held} descriptors`)
      await stranger?.unplug()
      return `${port.path}: ${port.reason}`
    },
    [back],
  )

  await report.step(
    "the pattern that was cut is active, and the board's flash holds every frame of it",
    30_000,
    async () => {
      const now = await connected(guest)
      const { mode, imageId, patternName } = now?.status ?? {}
      if (mode !== 'playing' || patternName !== 'noise.bin') throw new Error(JSON.stringify(now?.status))
      const flash = board.flash()
      const held = noise.frames.filter(frame => flash.includes(frame)).length
      return `${mode}, image ${imageId}; ${held} of ${noiseFrames} frames found byte for byte in the flash`
    },
    [back],
  )
}
