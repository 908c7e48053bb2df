import { z } from 'zod'
import { settingsText } from '../../account/mqtt-settings/client-settings.ts'
import { placeFor } from '../../account/mqtt-settings/place.ts'
import { presetRights } from '../../account/mqtt-settings/presets.ts'
import type { IssuedMqttUser, MqttUsers } from '../../account/mqtt-users.ts'
import { AppError } from '../../kernel/errors.ts'
import { parseUuid } from '../../kernel/ids.ts'
import type { GatewayCore } from '../../upload/gateway-core.ts'
import {
  type MqttShow,
  mqttShow,
  mqttUserChange,
  mqttUsersView,
  mqttUserView,
  type NewMqttUserView,
  newMqttUser,
  newMqttUserView,
} from '../../wire/mqtt-user.ts'
import { empty, json, type Operation, operation } from '../api/operation.ts'
import { pageOf, paging } from '../api/paging.ts'

export interface MqttUserDeps {
  readonly users: MqttUsers
  readonly core: Pick<GatewayCore, 'book'>
  /** Where the broker listens. */
  readonly mqtt: { readonly urls: readonly string[]; readonly gatewayId: string }
  /** Certificate of our own authority, PEM; undefined: there is none. */
  readonly authority?: () => string | undefined
}

const showQuery = {
  show: mqttShow
    .optional()
    .describe(
      'Kind of the client: `settings.text` of the answer is what to paste there. A new credential for which neither board, access nor topics are given is a device with the topics of this kind',
    ),
}

/** Credentials of the MQTT broker, for administrators. */
export const mqttUserOperations = (deps: MqttUserDeps): readonly Operation[] => {
  const { users, core } = deps

  /** By id or name; a board that speaks MQTT alone is not known here, only its UUID is. */
  const boardOf = async (idOrName: string): Promise<string> => {
    try {
      return (await core.book.find(idOrName)).id
    } catch (thrown) {
      const unknown = thrown instanceof AppError && thrown.code === 'not_found'
      if (unknown && parseUuid(idOrName) !== undefined) return idOrName
      throw thrown
    }
  }

  return [
    operation({
      id: 'listMqttUsers',
      method: 'get',
      path: '/mqtt-users',
      tag: 'mqtt-users',
      summary: 'Credentials of the MQTT broker, by name',
      access: 'admin',
      query: paging,
      answers: { 200: json(mqttUsersView, 'A page of the credentials') },
      run({ query }) {
        const { items, ...rest } = pageOf(users.list(), query, ({ name }) => name)
        return { users: items, ...rest }
      },
    }),

    operation({
      id: 'addMqttUser',
      method: 'post',
      path: '/mqtt-users',
      tag: 'mqtt-users',
      summary: 'Make a credential; its secret is told this once',
      access: 'admin',
      query: z.strictObject(showQuery),
      body: newMqttUser,
      answers: { 201: json(newMqttUserView, 'The credential and its secret') },
      errors: ['not_found', 'conflict', 'usage'],
      secret: true,
      async run(call) {
        const { name, boardId, ...said } = call.body
        const { show } = call.query
        const board = boardId === undefined ? null : await boardOf(boardId)
        const nothingSaid = board === null && Object.keys(said).length === 0
        const { publish, subscribe } = (nothingSaid ? presetRights(show, name) : undefined) ?? said
        const lists = { ...(publish && { publish }), ...(subscribe && { subscribe }) }
        const access = said.access ?? (Object.keys(lists).length > 0 ? 'device' : 'watch')
        const added = await users.add({ name, boardId: board, access, ...lists })
        call.changed({ resource: `mqtt-users/${name}`, after: added.user })
        return issued(deps, added, show)
      },
    }),

    operation({
      id: 'changeMqttUser',
      method: 'patch',
      path: '/mqtt-users/:name',
      tag: 'mqtt-users',
      summary: 'Give a credential other rights; who uses it is disconnected and comes back with them',
      access: 'admin',
      params: { name: 'Name of the credential' },
      body: mqttUserChange,
      answers: { 200: json(mqttUserView, 'The credential') },
      errors: ['usage'],
      async run(call) {
        const { name } = call.params
        const before = users.list().find(user => user.name === name)
        const { access, publish, subscribe } = call.body
        const after = await users.change(name, {
          ...(access && { access }),
          ...(publish && { publish }),
          ...(subscribe && { subscribe }),
        })
        call.changed({ resource: `mqtt-users/${name}`, before, after })
        return after
      },
    }),

    operation({
      id: 'rotateMqttUser',
      method: 'post',
      path: '/mqtt-users/:name/rotate',
      tag: 'mqtt-users',
      summary: 'Give a credential another secret; who has the old one is disconnected',
      access: 'admin',
      params: { name: 'Name of the credential' },
      query: z.strictObject(showQuery),
      answers: { 200: json(newMqttUserView, 'The credential and its new secret') },
      secret: true,
      run: async ({ params, query }) => issued(deps, await users.rotate(params.name), query.show),
    }),

    operation({
      id: 'removeMqttUser',
      method: 'delete',
      path: '/mqtt-users/:name',
      tag: 'mqtt-users',
      summary: 'Remove a credential; who uses it is disconnected',
      access: 'admin',
      params: { name: 'Name of the credential' },
      answers: { 204: empty('It has gone') },
      run: ({ params }) => users.remove(params.name),
    }),
  ]
}

/** The credential with all that a client has to be told. */
function issued(
  { mqtt, authority }: MqttUserDeps,
  { user, password }: IssuedMqttUser,
  show: MqttShow | undefined,
): NewMqttUserView {
  const own = `pixelgate/${mqtt.gatewayId}`
  const topic = user.boardId === null ? own : `${own}/${user.boardId}`
  const { place, missing } = placeFor(mqtt.urls, user, show)
  const settings = {
    ...{ urls: mqtt.urls, clientId: user.boardId, topic, missing },
    ...{ host: place?.host ?? null, port: place?.port ?? null, tls: place?.tls ?? null },
  }
  if (show === undefined || place === undefined)
    return { user, password, settings: { ...settings, text: null } }
  const clientId = user.boardId ?? user.name
  const text = settingsText(show, { ...place, user, password, clientId, topic, authority: authority?.() })
  return { user, password, settings: { ...settings, text } }
}
