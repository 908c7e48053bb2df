import type { Test } from 'tap'
import { localPrincipal, type Principal } from '../../src/account/principal.ts'
import { Chat, type ChatOptions } from '../../src/chat/chat.ts'
import type { ChatEvents } from '../../src/chat/chat-events.ts'
import { uuidV7 } from '../../src/kernel/ids.ts'
import { type Log, silentLog } from '../../src/kernel/log.ts'
import type { Role } from '../../src/kernel/role.ts'
import type { ToolContext } from '../../src/tools/tool.ts'
import type { MessageView } from '../../src/wire/chat.ts'
import { type UploadRig, uploadRig } from '../upload/upload-rig.ts'

export const local = localPrincipal

/** A chat over a real database and a real core, with people in it. */
export class ChatRig {
  readonly upload: UploadRig
  readonly chat: Chat
  readonly heard: { [K in keyof ChatEvents]: ChatEvents[K][] } = {
    'chat.message': [],
    'chat.room': [],
    'chat.left': [],
    'chat.presence': [],
    'chat.typing': [],
  }

  constructor(upload: UploadRig, options: Partial<ChatOptions>, health: ToolContext['health'], log: Log) {
    this.upload = upload
    const { store, core, clock } = upload
    const tools = { core, clock, version: '1.2.3', startedMs: clock.now(), ...(health && { health }) }
    this.chat = new Chat({ store, clock, log, tools, ...options })
    for (const name of Object.keys(this.heard) as (keyof ChatEvents)[])
      this.chat.bus.on(name, event => void (this.heard[name] as unknown[]).push(event))
  }

  async user(name: string, role: Role = 'operator'): Promise<Principal> {
    const id = uuidV7(this.upload.clock.wallTime())
    await this.upload.store.users.insert({ id, name, role, passwordHash: '', createdMs: 0 })
    return { kind: 'user', id, name, role }
  }

  /** Texts of a room, oldest first. */
  async texts(principal: Principal, roomId = this.chat.commonRoomId): Promise<string[]> {
    const { messages } = await this.chat.messages(principal, roomId, { limit: 100 })
    return messages.map(({ text }) => text).reverse()
  }

  say(principal: Principal, text: string, roomId = this.chat.commonRoomId): Promise<MessageView> {
    return this.chat.post(principal, roomId, { text }).then(({ message }) => message)
  }

  /** The gateway's answer to a command. */
  async ask(principal: Principal, text: string, roomId = this.chat.commonRoomId): Promise<string> {
    await this.say(principal, text, roomId)
    const { messages } = await this.chat.messages(principal, roomId, { limit: 1 })
    const [answer] = messages
    if (answer?.kind !== 'reply' || answer.author !== null) throw new Error(`no answer to ${text}`)
    return answer.text
  }
}

export async function chatRig(
  t: Test,
  { health, log = silentLog, ...options }: Partial<ChatOptions> & { health?: ToolContext['health'] } = {},
): Promise<ChatRig> {
  const rig = new ChatRig(await uploadRig(t), options, health, log)
  await rig.chat.start()
  t.teardown(() => rig.chat.stop())
  return rig
}
