import { manifestBlock } from '../../src/protocol/sender/segment.ts'
import type { PassingFrame } from './kill-line.ts'

/** How far an upload has come, as its line shows it. */
export const transferStages = [
  'start-up',
  'no upload',
  'compiling',
  'manifest',
  'data',
  'verify',
  'activate',
  'trial',
  'confirm',
  'after done',
] as const
export type TransferStage = (typeof transferStages)[number]

interface Transfer {
  readonly id: string
  readonly blocks: number
  /** As the board has said at most. */
  durable: number
}

/** Follows the uploads to one board on its line, whatever the gateway says of them. */
export class TransferWatch {
  readonly violations: string[] = []
  #stage: TransferStage = 'start-up'
  #blocksSentTwice = 0
  readonly #transfers = new Map<string, Transfer>()
  #begun: Transfer | undefined
  #open: Transfer | undefined

  get blocksSentTwice(): number {
    return this.#blocksSentTwice
  }

  get stage(): TransferStage {
    return this.#stage
  }

  /** A gateway was started: what its line showed before is over. */
  start(): void {
    this.#stage = 'start-up'
  }

  ready(): void {
    if (this.#stage === 'start-up') this.#stage = 'no upload'
  }

  /** The gateway has said that a job is transferring; until BEGIN it makes the image. */
  jobBegan(): void {
    if (['start-up', 'no upload', 'after done'].includes(this.#stage)) this.#stage = 'compiling'
  }

  pass({ direction, message }: PassingFrame): void {
    const isReply = direction === 'in'
    switch (message?.type) {
      case 'BEGIN':
        // What the board says before its answer is still of the transfer before.
        if ('id' in message) this.#begin(Buffer.from(message.id).toString('hex'), message.blocks)
        else this.#open = this.#begun
        return
      case 'ABORT':
        if ('id' in message) this.#transfers.delete(Buffer.from(message.id).toString('hex'))
        return
      case 'ACK':
        return this.#hear(message.durable)
      case 'HAVE':
        if (message.block === manifestBlock) return this.#hear(0, true)
        this.#stage = 'data'
        return this.#hear((this.#open?.blocks ?? 0) - message.missing, true)
      case 'VERIFY':
        if (!isReply) this.#stage = 'verify'
        return
      case 'ACTIVATE':
        this.#stage = isReply ? 'trial' : 'activate'
        return
      case 'CONFIRM':
        this.#stage = isReply ? 'after done' : 'confirm'
    }
  }

  #begin(id: string, blocks: number): void {
    this.#stage = 'manifest'
    this.#begun = this.#transfers.get(id) ?? { id, blocks, durable: 0 }
    this.#transfers.set(id, this.#begun)
  }

  /** `decides`: what is not durable by this will be sent (HAVE, SPEC §5.3); an ACK only tells. */
  #hear(durable: number, decides = false): void {
    const transfer = this.#open
    if (transfer === undefined) return
    const lost = transfer.durable - durable
    if (lost <= 0) transfer.durable = durable
    else if (decides) {
      this.violations.push(`${lost} durable blocks of transfer ${transfer.id} are sent twice`)
      this.#blocksSentTwice += lost
      transfer.durable = durable
    }
  }
}
