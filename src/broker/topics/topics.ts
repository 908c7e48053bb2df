/** First level of every topic of ours. */
export const rootTopic = 'pixelgate'

const separators = /[/+#\s]/g

/** The topics of one gateway (docs/mqtt.md). */
export function gatewayTopics(gatewayId: string) {
  const own = `${rootTopic}/${gatewayId}`
  return {
    own,
    status: `${own}/status`,
    info: `${own}/info`,
    stats: `${own}/stats`,
    board: (boardId: string) => ({
      availability: `${own}/${boardId}/availability`,
      state: `${own}/${boardId}/state`,
      info: `${own}/${boardId}/info`,
      lastUpload: `${own}/${boardId}/last-upload`,
      light: entity(`${own}/${boardId}/light`),
      update: entity(`${own}/${boardId}/update`),
    }),
    command: (boardId: string, name: string) => `${own}/${boardId}/cmd/${name}`,
    telemetry: (boardId: string, metric: string) => `${own}/${boardId}/telemetry/${metric}`,
    /** Frames to the board of a session (SPEC §11). */
    framesDown: (boardId: string) => `${own}/${boardId}/frames/down`,
    uploadStatus: (boardId: string, jobId: string) => `${own}/${boardId}/upload/${jobId}/status`,
    upload: (boardId: string, jobId: string) => {
      const job = `${own}/${boardId}/upload/${jobId}`
      return { offer: `${job}/offer`, data: `${job}/data`, abort: `${job}/abort` }
    },
    /** A name of a line may hold what means something in a topic. */
    gpio: (name: string) => {
      const level = `${own}/gpio/${name.replace(separators, '-')}`
      return { state: `${level}/state`, edge: `${level}/edge` }
    },
    /** Filter of every command to a line. */
    gpioCommands: `${own}/gpio/+/cmd/+`,
  }
}

/** A thing that has a state and is told another one. */
const entity = (level: string) => ({
  set: `${level}/set`,
  state: `${level}/state`,
  result: `${level}/set/result`,
})

export type GatewayTopics = ReturnType<typeof gatewayTopics>

/** Filters for the frames of boards; the board is the third level. */
export const boardFrameFilters = (gatewayId: string): readonly string[] => [
  `${rootTopic}/${gatewayId}/+/frames/up`,
  `${rootTopic}/${gatewayId}/+/upload/+/get`,
]

/**
 * Whether messages of this topic are frames between gateway and board. What is lost of them the two send again, so they are
 * worth nothing later: no journal, no outbox and no queue of an absent client should take them.
 */
export function isFrameTopic(topic: string): boolean {
  const [root, , , kind, ...rest] = topic.split('/')
  if (root !== rootTopic) return false
  if (kind === 'frames') return rest.length === 1
  return kind === 'upload' && rest.length === 2 && (rest[1] === 'data' || rest[1] === 'get')
}

/** `pixelgate/GW/BOARD/cmd/NAME`, or `pixelgate/GW/cmd/NAME` for several boards (`boardId` undefined). */
export interface CommandTopic {
  readonly boardId: string | undefined
  readonly name: string
}

/** undefined: not the topic of a command for this gateway. */
export function commandTopic(gatewayId: string, topic: string): CommandTopic | undefined {
  const [root, gateway, ...rest] = topic.split('/')
  if (root !== rootTopic || gateway !== gatewayId) return undefined
  if (rest.length === 2 && rest[0] === 'cmd' && rest[1]) return { boardId: undefined, name: rest[1] }
  const [boardId, cmd, name, ...more] = rest
  return boardId && cmd === 'cmd' && name && more.length === 0 ? { boardId, name } : undefined
}

/** Level that stands for a line, and the command, of a topic that `gpioCommands` lets through. */
export function gpioCommandTopic(topic: string): { readonly line: string; readonly command: string } {
  const [, , , line = '', , command = ''] = topic.split('/')
  return { line, command }
}

/** `pixelgate/GW/BOARD/light/set` or `…/update/set`. */
export interface EntityTopic {
  readonly boardId: string
  readonly entity: 'light' | 'update'
}

/** undefined: nothing that is told anything at this topic. */
export function entityTopic(gatewayId: string, topic: string): EntityTopic | undefined {
  const [root, gateway, boardId, entity, set, ...more] = topic.split('/')
  if (root !== rootTopic || gateway !== gatewayId || !boardId || set !== 'set' || more.length > 0)
    return undefined
  return entity === 'light' || entity === 'update' ? { boardId, entity } : undefined
}

/** Filters that let through every topic of a command for this gateway. */
export const commandFilters = (gatewayId: string): readonly string[] => [
  `${rootTopic}/${gatewayId}/cmd/+`,
  `${rootTopic}/${gatewayId}/+/cmd/+`,
]
