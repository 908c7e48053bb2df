interface Stretch {
  readonly principalId: string
  readonly topic: string
  /** Number under which the client was told that it has the topic. */
  readonly from: number
  /** From this number on it had the whole snapshot. */
  readonly to: number
}

/**
 * Where clients were in the middle of a snapshot. Whoever was cut off there has only a part of it, and needs it anew: the
 * messages after it say nothing about the rest.
 */
export class UnfinishedSnapshots {
  readonly #most: number
  readonly #stretches: Stretch[] = []
  /** Below it nothing is known any more. */
  #forgotten = 0

  constructor(most: number) {
    this.#most = most
  }

  note(stretch: Stretch): void {
    if (stretch.to <= stretch.from) return
    this.#stretches.push(stretch)
    if (this.#stretches.length <= this.#most) return
    this.#forgotten = Math.max(this.#forgotten, this.#stretches.shift()?.to ?? 0)
  }

  /** Whether somebody who has heard up to this number may lack a part of the topic's snapshot. */
  has(principalId: string, topic: string, since: number): boolean {
    if (since < this.#forgotten) return true
    return this.#stretches.some(
      each =>
        each.from <= since && since < each.to && each.topic === topic && each.principalId === principalId,
    )
  }
}
