import type { ErrorCode } from '../../kernel/errors.ts'
import { boardId, patternId } from '../../kernel/ids.ts'
import type { BoardCommand } from '../../upload/board-control.ts'
import { type CardKind, type SentCard, sendTestCard } from '../../upload/board-test-card.ts'
import type { GatewayCore } from '../../upload/gateway-core.ts'
import {
  boardCommand,
  brightnessOrder,
  brightnessResult,
  commandResult,
  identifyOrder,
  identifyResult,
  playResult,
  rebootResult,
  selectOrder,
  selectResult,
  testCardOrder,
  testCardResult,
} from '../../wire/board-command.ts'
import { actorOf } from '../actor-of.ts'
import { type Call, json, type Operation, operation, Reply } from '../api/operation.ts'

const errors: readonly ErrorCode[] = [
  'board_mute',
  'board_refused',
  'board_reset',
  'board_quarantined',
  'link_lost',
  'conflict',
  'overloaded',
]
const common = { method: 'post', tag: 'boards', access: 'operator', errors } as const
const asked = 'The card is on its way; GET /jobs/:id tells how it goes on'

/** What a board may be told. Nothing is kept for a board that is away, but for a test card, which is an upload. */
export const boardCommandOperations = (core: GatewayCore): readonly Operation[] => {
  const { book, control } = core

  type BoardCall = Call<{ readonly id: string }>

  const tell = async (call: BoardCall, command: BoardCommand) => {
    const { id } = await book.find(call.params.id)
    const { type, ...result } = await control.act(boardId(id), command, actorOf(call.principal))
    if (type !== 'STATUS') call.changed({ resource: `boards/${id}`, after: command })
    return { command: type, result: readable(result) }
  }

  const sendCard = async (call: BoardCall, card: CardKind) => {
    const board = await book.find(call.params.id)
    const sent = await sendTestCard(core, board, { card, who: call.principal.name })
    call.changed({ resource: `boards/${board.id}`, after: { type: 'TEST_CARD', card, jobId: sent.job.id } })
    return cardReply(sent)
  }

  const plain = (type: 'PLAY' | 'STOP' | 'NEXT' | 'PREVIOUS', summary: string) =>
    operation({
      ...common,
      id: `${type.toLowerCase()}Board`,
      path: `/boards/:id/${type.toLowerCase()}`,
      summary,
      answers: { 200: json(playResult, 'What the board has answered') },
      run: (call: BoardCall) => tell(call, { type }),
    })

  return [
    operation({
      ...common,
      id: 'commandBoard',
      path: '/boards/:id/commands',
      summary: 'Tell a board something',
      description:
        '`type` may be written in any case, and with - instead of _. A board that is away answers 504 and is told nothing later; a test card waits for it.',
      body: boardCommand,
      answers: { 200: json(commandResult, 'What the board has answered'), 202: json(testCardResult, asked) },
      run(call) {
        const { body } = call
        if (body.type === 'TEST_CARD') return sendCard(call, body.card)
        return tell(call, body.type === 'SELECT' ? selection(body) : body)
      },
    }),
    plain('PLAY', 'Play what the board holds'),
    plain('STOP', 'Stop playing; the LEDs go dark'),
    plain('NEXT', 'Play the pattern of the next slot'),
    plain('PREVIOUS', 'Play the pattern of the slot before'),
    operation({
      ...common,
      id: 'dimBoard',
      path: '/boards/:id/brightness',
      summary: 'Set the brightness of a board',
      body: brightnessOrder,
      answers: { 200: json(brightnessResult, 'What the board has answered') },
      run: call => tell(call, { type: 'BRIGHTNESS', level: call.body.level }),
    }),
    operation({
      ...common,
      id: 'selectOnBoard',
      path: '/boards/:id/select',
      summary: 'Play a pattern that lies on the board already',
      body: selectOrder,
      answers: { 200: json(selectResult, 'What the board has answered') },
      run: call => tell(call, selection(call.body)),
    }),
    operation({
      ...common,
      id: 'sendTestCard',
      path: '/boards/:id/test-card',
      summary: 'Upload a test card that shows whether the wiring is right',
      description:
        'Drawn for the size of the board and sent as any pattern is, so it waits for a board that is away and stays in the library (tag test-card). `steps` tell what is shown one after the other and what it means.',
      body: testCardOrder,
      answers: { 202: json(testCardResult, asked) },
      run: call => sendCard(call, call.body.card),
    }),
    operation({
      ...common,
      id: 'identifyBoard',
      path: '/boards/:id/identify',
      summary: 'Let a board show which one it is',
      body: identifyOrder,
      answers: { 200: json(identifyResult, 'What the board has answered') },
      run: call => tell(call, { type: 'IDENTIFY', ms: call.body.ms }),
    }),
    operation({
      ...common,
      id: 'rebootBoard',
      path: '/boards/:id/reboot',
      summary: 'Restart a board',
      answers: { 200: json(rebootResult, 'It restarts now') },
      run: (call: BoardCall) => tell(call, { type: 'REBOOT' }),
    }),
  ]
}

const selection = ({
  patternId: id,
  slot = 0,
}: {
  readonly patternId?: string | undefined
  readonly slot?: number | undefined
}): BoardCommand =>
  id === undefined ? { type: 'SELECT', slot } : { type: 'SELECT', patternId: patternId(id) }

const cardReply = (sent: SentCard): Reply =>
  new Reply(
    {
      command: 'TEST_CARD',
      result: {
        card: sent.card,
        batchId: sent.batchId,
        jobId: sent.job.id,
        state: sent.job.state,
        patternId: sent.pattern.id,
        steps: sent.steps,
      },
    },
    { status: 202, headers: { Location: `/api/v1/jobs/${sent.job.id}` } },
  )

/** Byte strings as hexadecimal digits. */
const readable = (fields: object): object =>
  Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [
      key,
      value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
    ]),
  )
