import type { GpioMirror } from './broker/devices/gpio-mirror.ts'
import type { Config } from './config/resolve-config.ts'
import { startGpio } from './gpio/gpio.ts'
import { StatusFeed } from './gpio/status-feed.ts'
import type { GpioControl } from './http/routes/gpio.ts'
import type { Clock } from './kernel/clock.ts'
import type { Closers } from './kernel/closers.ts'
import { AppError } from './kernel/errors.ts'
import type { Log } from './kernel/log.ts'
import type { BoardCommand } from './upload/board-control.ts'
import type { GatewayCore } from './upload/gateway-core.ts'
import type { ButtonAction } from './wire/gpio.ts'
import type { LiveHub } from './ws/live-hub.ts'

export interface PinParts {
  readonly config: Config
  readonly clock: Clock
  readonly log: Log
  readonly closers: Closers
  readonly core: GatewayCore
  readonly hub: LiveHub
  readonly mirror: Pick<GpioMirror, 'publish'>
}

/** What a button that was pressed tells a board. */
const commands: Readonly<Record<ButtonAction, BoardCommand>> = {
  next: { type: 'NEXT' },
  previous: { type: 'PREVIOUS' },
  play: { type: 'PLAY' },
  stop: { type: 'STOP' },
  identify: { type: 'IDENTIFY', ms: 5000 },
}

const refuse = () =>
  Promise.reject(new AppError('conflict', 'GPIO is off. Set gpio.enabled in the configuration.'))

const off: GpioControl = {
  view: () => ({ enabled: false, backend: null, lines: [] }),
  simulate: refuse,
  set: refuse,
  pulse: refuse,
  resetBoard: () => Promise.resolve(false),
}

/** Joins buttons, status LED and reset lines with boards and jobs, and shows every line to all who look. */
export function startPins({ config, clock, log, closers, core, hub, mirror }: PinParts): GpioControl {
  if (!config.gpio.enabled) return off
  const act = async (board: string | null, action: ButtonAction) => {
    const ids = board === null ? core.registry.present() : [(await core.book.find(board)).id]
    const by = { name: 'button', door: 'gpio' } as const
    await Promise.all(ids.map(id => core.control.act(id, commands[action], by)))
  }
  const gpio = startGpio({
    settings: config.gpio,
    clock,
    log,
    act,
    boardIdOf: async board => (await core.book.find(board)).id,
    onChange: line => {
      hub.publish('gpio', 'line', line)
      mirror.publish(line)
    },
  })
  hub.provide('gpio', () => gpio.view().lines.map(data => ({ type: 'line', data })))

  const feed = new StatusFeed()
  const { bus } = core
  const ends = [
    bus.on('job.changed', job => gpio.setStatus(feed.jobChanged(job))),
    bus.on('board.up', ({ boardId }) => {
      gpio.setStatus(feed.boardChanged(boardId, 'up'))
      void gpio.refreshBoards()
    }),
    bus.on('board.down', ({ boardId }) => gpio.setStatus(feed.boardChanged(boardId, 'down'))),
    bus.on('board.quarantined', ({ boardId }) => gpio.setStatus(feed.boardChanged(boardId, 'quarantined'))),
    bus.on('board.changed', () => void gpio.refreshBoards()),
  ]
  closers.add('gpio', async () => {
    for (const end of ends) end()
    await gpio.stop()
  })
  return gpio
}
