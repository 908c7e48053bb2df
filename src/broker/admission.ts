import { randomUUID } from 'node:crypto'
import type { ConnectPacket } from 'aedes'
import type { MqttPrincipal, MqttUsers } from '../account/mqtt-users.ts'
import { fail, ok, type Result } from '../kernel/result.ts'
import { isBridgeState } from './bridge-state.ts'
import type { Door } from './connection/door.ts'
import { decide, type PolicyWorld } from './policy.ts'

export interface Admission {
  readonly principal: MqttPrincipal
  /** Client id within the broker: it begins with the user's name, so nobody takes over somebody else's connection. */
  readonly clientId: string
}

export interface Refusal {
  /** Of CONNACK (MQTT 3.1.1 §3.2.2.3): 2 client id, 4 wrong name or secret, 5 not allowed. */
  readonly returnCode: 2 | 4 | 5
  readonly reason: string
}

/** Programs of this machine may also use the room's own topics, as with any broker. */
const anonymousPrincipal: MqttPrincipal = {
  name: '',
  access: 'anonymous',
  boardId: null,
  room: { publish: ['#'], subscribe: ['#'] },
}

/** Those that read and command nothing but what is theirs. */
const devices: ReadonlySet<MqttPrincipal['access']> = new Set(['board', 'device'])

type Asked = Pick<ConnectPacket, 'clientId' | 'username' | 'password' | 'will'>

/** Whether a CONNECT is let in, and as whom. */
export function admit(
  users: Pick<MqttUsers, 'authenticate'>,
  world: PolicyWorld,
  { clientId, username, password, will }: Asked,
  { anonymous, devicesOnly }: Door,
): Result<Admission, Refusal> {
  // Some clients send an empty name where none is set.
  const isNameless = username === undefined || (anonymous && username === '' && !password?.length)
  if (isNameless && !anonymous)
    return fail({ returnCode: 5, reason: 'no user name, and this listener asks for one' })
  const principal = isNameless
    ? anonymousPrincipal
    : users.authenticate(username, Buffer.from(password ?? new Uint8Array(0)))
  if (principal === undefined) return fail({ returnCode: 4, reason: 'wrong user name or secret' })
  if (devicesOnly && !devices.has(principal.access)) {
    const cure = `only boards and devices are let in there. Use a listener with "tls": true, see docs/mqtt.md`
    return fail({ returnCode: 5, reason: `it came over the network without TLS, and ${cure}` })
  }
  if (principal.access === 'board' && clientId !== principal.boardId && clientId !== principal.name)
    return fail({ returnCode: 2, reason: "the client id is neither the board's UUID nor the user name" })
  if (will !== undefined && !isBridgeState(will.topic)) {
    const verdict = decide(world, principal, {
      type: 'publish',
      topic: will.topic,
      retain: will.retain === true,
    })
    if (!verdict.allowed) return fail({ returnCode: 5, reason: `its will on ${will.topic} is not allowed` })
  }
  return ok({ principal, clientId: `${principal.name}/${clientId || randomUUID()}` })
}
