import { Router } from '@koa/router'
import type { IssuedMqttUser, MqttUsers } from '../../account/mqtt-users.ts'
import { AppError } from '../../kernel/errors.ts'
import { parseUuid } from '../../kernel/ids.ts'
import type { GatewayCore } from '../../upload/gateway-core.ts'
import { type NewMqttUserView, newMqttUser } from '../../wire/auth.ts'
import { readJson } from '../read-body.ts'
import { requireRole } from '../require-role.ts'

export interface MqttUserDeps {
  readonly users: MqttUsers
  readonly core: Pick<GatewayCore, 'book'>
  /** Where the broker listens. */
  readonly mqtt: { readonly urls: readonly string[]; readonly gatewayId: string }
}

/** Credentials of the MQTT broker, for administrators. */
export function mqttUserRoutes({ users, core, mqtt }: MqttUserDeps): Router {
  const router = new Router()

  const issued = ({ user, password }: IssuedMqttUser): NewMqttUserView => {
    const own = `pixelgate/${mqtt.gatewayId}`
    const topic = user.boardId === null ? own : `${own}/${user.boardId}`
    return { user, password, settings: { urls: mqtt.urls, clientId: user.boardId, topic } }
  }

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

  router.get('/mqtt-users', async ctx => {
    requireRole(ctx, 'admin')
    ctx.body = { users: users.list() }
  })

  router.post('/mqtt-users', async ctx => {
    requireRole(ctx, 'admin')
    const { name, boardId, access } = await readJson(ctx, newMqttUser)
    const board = boardId === undefined ? null : await boardOf(boardId)
    ctx.body = issued(await users.add({ name, boardId: board, access }))
    ctx.status = 201
  })

  router.post('/mqtt-users/:name/rotate', async ctx => {
    requireRole(ctx, 'admin')
    ctx.body = issued(await users.rotate(ctx.params['name'] ?? ''))
  })

  router.delete('/mqtt-users/:name', async ctx => {
    requireRole(ctx, 'admin')
    await users.remove(ctx.params['name'] ?? '')
    ctx.status = 204
  })
  return router
}
