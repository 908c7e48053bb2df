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
    board: (boardId: string) => ({
      availability: `${own}/${boardId}/availability`,
      state: `${own}/${boardId}/state`,
      info: `${own}/${boardId}/info`,
    }),
    uploadStatus: (boardId: string, jobId: string) => `${own}/${boardId}/upload/${jobId}/status`,
    /** A name of a line may hold what means something in a topic. */
    gpio: (name: string) => {
      const level = `${own}/gpio/${name.replace(separators, '-')}`
      return { state: `${level}/state`, edge: `${level}/edge` }
    },
  }
}

export type GatewayTopics = ReturnType<typeof gatewayTopics>

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
