import { z } from 'zod'
import { pageShape } from './page.ts'
import { roomFilters } from './room-filter.ts'

const programAccess = z.enum(['watch', 'control', 'home-assistant', 'bridge', 'bridge-control', 'device'])
export type MqttProgramAccess = z.output<typeof programAccess>

/** Things whose settings the gateway can write down. */
export const mqttShow = z.enum(['tasmota', 'wled', 'esphome', 'arduino', 'mosquitto'])
export type MqttShow = z.output<typeof mqttShow>

const rights = {
  access: programAccess
    .optional()
    .describe(
      'watch (default): reads all topics of the gateway; control: also sends commands; home-assistant: control and the birth message; bridge: reads for another broker, bridge-control also commands; device (default with publish or subscribe): its own topics only. Of no meaning for a board',
    ),
  publish: roomFilters
    .optional()
    .describe("Topics of the room that it may publish, retained too; none of the gateway's own"),
  subscribe: roomFilters.optional().describe('Topics of the room that it may read'),
}

/** Body of POST /mqtt-users (admin). */
export const newMqttUser = z.strictObject({
  name: z
    .string()
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
      'a name of 1 to 64 letters, digits, dots, hyphens or underscores',
    ),
  boardId: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe(
      "A board's credential may only be used by this board and reaches only its topics; none: a person or a program",
    ),
  ...rights,
})

/** Body of PATCH /mqtt-users/:name (admin): what is left out stays. */
export const mqttUserChange = z.strictObject(rights)

export const mqttUserView = z
  .object({
    name: z.string(),
    boardId: z.string().nullable(),
    access: z.enum([...programAccess.options, 'board']),
    publish: z.array(z.string()).readonly().describe('Topics of the room that it may publish'),
    subscribe: z.array(z.string()).readonly().describe('Topics of the room that it may read'),
    createdAt: z.iso.datetime(),
  })
  .readonly()
  .meta({ id: 'MqttUser', description: 'A credential of the MQTT broker' })
export type MqttUserView = z.output<typeof mqttUserView>

/** Answer of GET /mqtt-users, by name. */
export const mqttUsersView = z.object({ users: z.array(mqttUserView).readonly(), ...pageShape }).readonly()

/** Answer of POST /mqtt-users and of POST /mqtt-users/:name/rotate: the one time that the secret is told. */
export const newMqttUserView = z
  .object({
    user: mqttUserView,
    password: z.string(),
    settings: z
      .object({
        urls: z
          .array(z.string())
          .readonly()
          .describe(
            '`mqtt://HOST:PORT` or `mqtts://HOST:PORT` of each listener, `wss://HOST:PORT/mqtt` where there is one; HOST may be 0.0.0.0 or [::], for every address of the gateway',
          ),
        clientId: z.string().nullable().describe("The client id that a board's credential needs; null: any"),
        topic: z.string().describe('All topics of the gateway, or of the board, begin with it'),
        host: z.string().nullable().describe('Where this client connects to; null: no listener is for it'),
        port: z.int().nullable(),
        tls: z.boolean().nullable(),
        text: z
          .string()
          .nullable()
          .describe('What to paste or type into the kind of client that `show` names; null: none was named'),
        missing: z
          .string()
          .nullable()
          .describe('Why this client cannot connect yet, and what to configure; null: it can'),
      })
      .readonly()
      .describe('What a client is to be set up with besides'),
  })
  .readonly()
  .meta({ id: 'NewMqttUser', description: 'A credential with its secret, which is told this once' })
export type NewMqttUserView = z.output<typeof newMqttUserView>
