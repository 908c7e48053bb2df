import { z } from 'zod'
import type { GatewayCore } from '../upload/gateway-core.ts'
import { countText, durationText } from './quantities.ts'
import { defineTool } from './tool.ts'

/** The gateway in a few lines. */
export const statusTool = defineTool({
  name: 'status',
  summary: 'how the gateway is',
  role: 'viewer',
  scope: 'system:read',
  input: z.strictObject({}),
  run: async ({ core, clock, version, startedMs, health }) => {
    const [boards, running, waiting, measured] = await Promise.all([
      core.views.list(),
      count(core, ['transferring', 'verifying', 'trial']),
      count(core, ['queued', 'waiting', 'paused']),
      health?.(),
    ])
    const connected = boards.filter(({ state }) => state === 'connected').length
    const quarantined = boards.filter(({ state }) => state === 'quarantined').length
    return [
      `pixelgate ${version}, up for ${durationText(clock.now() - startedMs)}`,
      ...(measured === undefined ? [] : [`health: ${measured.status}, ${measured.score} of 100`]),
      `${connected} of ${countText(boards.length, 'board')} connected${quarantined > 0 ? `, ${quarantined} in quarantine` : ''}`,
      `${countText(running, 'upload')} running, ${waiting} waiting`,
    ].join('\n')
  },
})

type State = NonNullable<Parameters<GatewayCore['uploads']['jobs']>[0]['states']>[number]

const count = async (core: GatewayCore, states: readonly State[]): Promise<number> =>
  (await core.uploads.jobs({ states, limit: 1 })).total
