import { BoardConnection } from './board/connection.ts'
import type { BoardSession } from './board/session.ts'
import {
  BoardLinks,
  type BoardTalk,
  type BoardTalkEvents,
  type BoardWire,
} from './broker/devices/board-links.ts'
import type { Clock } from './kernel/clock.ts'
import { AppError } from './kernel/errors.ts'
import { parseUuid } from './kernel/ids.ts'
import type { Log } from './kernel/log.ts'
import { MqttLink } from './link/mqtt-link.ts'

export interface MqttBoardParts {
  readonly core: { readonly onSession: (session: BoardSession) => void }
  readonly clock: Clock
  readonly log: Log
}

/** Joins clients of the broker to the connections that keep a session with each board. */
export function mqttBoards({ core, clock, log }: MqttBoardParts): BoardLinks {
  const talk = (wire: BoardWire, events: BoardTalkEvents): BoardTalk => {
    const link = new MqttLink(wire.address, wire.send)
    const uuid = parseUuid(wire.boardId)
    const connection = new BoardConnection({
      // The one link there is: when it has ended, so has the talk.
      open: async () => link,
      ...(uuid && { uuid }),
      clock,
      log,
      onSession: session => {
        events.onSession()
        core.onSession(session)
      },
      onTrouble: error => events.onTrouble(error),
    })
    connection.start()
    return {
      receive: frame => link.receive(frame),
      leave: error => {
        if (error !== undefined) link.lost(error)
        return connection.stop()
      },
    }
  }
  const gone = (address: string) =>
    new AppError('link_lost', `The board at ${address} has left the MQTT broker.`)
  return new BoardLinks({ clock, talk, gone })
}
