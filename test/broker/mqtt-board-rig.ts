import { connect, createServer, type Socket } from 'node:net'
import type { Test } from 'tap'
import { mqttBoards } from '../../src/app-mqtt-boards.ts'
import { type Clock, systemClock } from '../../src/kernel/clock.ts'
import { type BoardId, boardId, formatUuid } from '../../src/kernel/ids.ts'
import { type BoardConfig, defaultBoardConfig } from '../../src/virtual/board-config.ts'
import { type BoardFaults, noFaults } from '../../src/virtual/board-faults.ts'
import { Flash } from '../../src/virtual/flash.ts'
import { MqttTransport } from '../../src/virtual/mqtt-transport.ts'
import { VirtualBoard } from '../../src/virtual/virtual-board.ts'
import { BrokerRig } from './broker-rig.ts'

/** A broker with boards on it. */
export const mqttRig = (t: Test, clock: Clock = systemClock): Promise<BrokerRig> =>
  BrokerRig.start(t, ({ core, log }) => ({ boardLinks: mqttBoards({ core, clock, log }) }))

export type Direction = 'toBoard' | 'toGateway'

/** Finds the PUBLISH packets of one direction (MQTT 3.1.1 §2.2). */
class PublishFinder {
  #held: Buffer = Buffer.alloc(0)

  /** Of those that end with these bytes: where in them each begins, 0 for one that began before. */
  push(bytes: Buffer): readonly number[] {
    let start = -this.#held.length
    this.#held = Buffer.concat([this.#held, bytes])
    const found: number[] = []
    for (;;) {
      let length = 0
      let at = 1
      for (; at < 5; at++) {
        const byte = this.#held[at]
        if (byte === undefined) return found
        length |= (byte & 0x7f) << (7 * (at - 1))
        if (byte < 0x80) break
      }
      const end = at + 1 + length
      if (this.#held.length < end) return found
      if ((this.#held[0] ?? 0) >> 4 === 3) found.push(Math.max(0, start))
      start += end
      this.#held = this.#held.subarray(end)
    }
  }
}

/** Stands between a board and the broker, and pulls the plug after each so many messages of a direction. */
export class CuttingProxy {
  readonly port: number
  cuts = 0
  messages = { toBoard: 0, toGateway: 0 }

  private constructor(port: number) {
    this.port = port
  }

  /** `cutAt`: whether the connection ends right before this message, counted from 1 since the start. */
  static async start(
    t: Test,
    brokerPort: number,
    cutAt: (direction: Direction, message: number) => boolean,
  ): Promise<CuttingProxy> {
    const sockets = new Set<Socket>()
    const server = createServer(board => {
      const gateway = connect(brokerPort, '127.0.0.1')
      const close = () => {
        board.destroy()
        gateway.destroy()
      }
      const pass = (from: Socket, to: Socket, direction: Direction) => {
        const finder = new PublishFinder()
        from.on('data', (bytes: Buffer) => {
          if (from.destroyed || to.destroyed) return
          for (const start of finder.push(bytes)) {
            if (!cutAt(direction, ++proxy.messages[direction])) continue
            proxy.cuts++
            from.destroy()
            return void to.end(bytes.subarray(0, start))
          }
          to.write(bytes)
        })
        sockets.add(from)
        from.on('error', close)
        from.on('close', close)
      }
      pass(board, gateway, 'toGateway')
      pass(gateway, board, 'toBoard')
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    t.teardown(() => {
      server.close()
      for (const socket of sockets) socket.destroy()
    })
    const address = server.address()
    const proxy = new CuttingProxy(typeof address === 'object' ? (address?.port ?? 0) : 0)
    return proxy
  }
}

export interface MqttBoardGiven {
  readonly config?: Partial<BoardConfig>
  readonly faults?: Partial<BoardFaults>
  /** Instead of the broker's own. */
  readonly port?: number
  /** What becomes of a frame on its way, as bytes of a line. */
  readonly toBoard?: (frame: Uint8Array) => readonly Uint8Array[]
  readonly toGateway?: (bytes: Uint8Array) => readonly Uint8Array[]
}

/** The C library behind a real MQTT client. */
export class MqttRigBoard {
  readonly id: BoardId
  readonly user: string
  readonly board: VirtualBoard
  readonly flash: Flash
  readonly transport: MqttTransport
  readonly faults: Error[] = []

  private constructor(
    { uuid, user, password, port }: { uuid: Uint8Array; user: string; password: string; port: number },
    { config = {}, faults = {}, toBoard = frame => [frame], toGateway = bytes => [bytes] }: MqttBoardGiven,
  ) {
    this.id = boardId(formatUuid(uuid))
    this.user = user
    const built: BoardConfig = {
      ...defaultBoardConfig,
      uuid,
      storageBytes: 1024 * 1024,
      boardName: user,
      ...config,
    }
    this.flash = new Flash({ sizeBytes: built.storageBytes, eraseUnit: built.eraseUnit })
    this.board = new VirtualBoard({
      config: built,
      flash: this.flash,
      faults: { ...noFaults, ...faults },
      clock: systemClock,
      onSend: bytes => {
        for (const sent of toGateway(bytes)) this.transport.write(sent)
      },
      onPower: (isOn, isCut) => this.transport?.power(isOn, isCut),
    })
    const url = `mqtt://127.0.0.1:${port}`
    this.transport = new MqttTransport(
      { url, user, password, ca: undefined, gatewayId: undefined, boardId: this.id, clock: systemClock },
      {
        onData: chunk => {
          for (const frame of toBoard(chunk)) this.board.receive(frame)
        },
        onFault: error => void this.faults.push(error),
      },
    )
    this.board.start()
  }

  /** `uuidByte` makes its UUID and its user name. */
  static async start(rig: BrokerRig, uuidByte: number, given: MqttBoardGiven = {}): Promise<MqttRigBoard> {
    const uuid = new Uint8Array(16).fill(uuidByte)
    const user = `board-${uuidByte}`
    const { password } = await rig.users.add({ name: user, access: 'watch', boardId: formatUuid(uuid) })
    const board = new MqttRigBoard({ uuid, user, password, port: given.port ?? rig.port }, given)
    rig.t.teardown(() => board.stop())
    return board
  }

  async stop(): Promise<void> {
    this.board.stop()
    await this.transport.close()
  }
}
