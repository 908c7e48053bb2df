import t from 'tap'
import type { Clock } from '../../src/kernel/clock.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { encodeFrame } from '../../src/protocol/frame.ts'
import { encodeHostMessage } from '../../src/protocol/message-codec.ts'
import { type HostMessage, messageTypes } from '../../src/protocol/messages.ts'
import { defaultBoardConfig } from '../../src/virtual/board-config.ts'
import { noFaults } from '../../src/virtual/board-faults.ts'
import { Flash } from '../../src/virtual/flash.ts'
import { DARK_MS, VirtualBoard } from '../../src/virtual/virtual-board.ts'

t.test(
  'a board whose power fails boots again, also on a machine so slow that the failure ends its turn',
  async t => {
    const time = new VirtualClock()
    const config = { ...defaultBoardConfig, storageBytes: 96 * 1024 }
    const flash = new Flash({ sizeBytes: config.storageBytes, eraseUnit: config.eraseUnit })
    // Every operation of the flash takes longer than a turn of the board.
    const slow: Clock = {
      now: () => time.now() + 10 * flash.operations,
      wallTime: () => time.wallTime(),
      setTimer: (delayMs, fire) => time.setTimer(delayMs, fire),
    }
    const board = new VirtualBoard({ config, flash, faults: noFaults, clock: slow, onSend: () => undefined })
    t.teardown(() => board.stop())
    board.start()
    time.advance(100)
    const say = (message: HostMessage, seq: number) => {
      board.receive(encodeFrame(messageTypes[message.type], 1, seq, encodeHostMessage(message)))
      time.advance(100)
    }
    say({ type: 'HELLO', minVersion: 1, maxVersion: 1, hostMaxBody: 256, page: 0 }, 0)
    flash.cutAt(flash.operations + 1)
    say({ type: 'SETID', uuid: new Uint8Array(16).fill(5) }, 1)
    time.advance(DARK_MS + 100)
    t.equal(board.boots, 2)
  },
)
