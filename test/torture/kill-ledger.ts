/** A value that a thing may have: absent, this text, or a text that begins so. */
interface Possible {
  readonly text: string | undefined
  readonly isPrefix: boolean
}

/** What the gateway was asked for and not yet seen to have. */
export interface Asked {
  /** It has said so: from now on the thing is this, and nothing else. */
  confirmed(text?: string): void
  /** It has said no. */
  refused(): void
}

const fits = ({ text, isPrefix }: Possible, found: string | undefined): boolean =>
  text === found || (isPrefix && text !== undefined && found?.startsWith(text) === true)

const say = (text: string | undefined): string => (text === undefined ? 'not there' : `"${text}"`)

/**
 * What a gateway has acknowledged. A request without an answer leaves two possibilities, the state before and the one
 * asked for, until somebody compares; then the one that is found must stay.
 */
export class Ledger {
  readonly #things = new Map<string, readonly Possible[]>()
  #confirmations = 0

  /** Confirmed so far. */
  get confirmations(): number {
    return this.#confirmations
  }

  /** Asks for a thing to become `text`; undefined: to go. `isPrefix`: the gateway puts something behind it, such as an id. */
  ask(thing: string, text: string | undefined, isPrefix = false): Asked {
    const before = this.#things.get(thing) ?? [{ text: undefined, isPrefix: false }]
    const asked = { text, isPrefix }
    this.#things.set(thing, [...before, asked])
    return {
      confirmed: (final = text) => {
        this.#confirmations++
        this.#things.set(thing, [{ text: final, isPrefix: false }])
      },
      refused: () => {
        const now = this.#things.get(thing) ?? []
        this.#things.set(
          thing,
          now.filter(each => each !== asked),
        )
      },
    }
  }

  /** Whether it was ever asked for. */
  knows(thing: string): boolean {
    return this.#things.has(thing)
  }

  /** The one value of a thing; undefined: none, or not certain. */
  value(thing: string): string | undefined {
    const [only, more] = this.#things.get(thing) ?? []
    return more === undefined ? only?.text : undefined
  }

  /** Compares with everything that is there; what was uncertain is certain afterwards. Returns what does not hold. */
  compare(found: ReadonlyMap<string, string>): readonly string[] {
    const violations: string[] = []
    for (const [thing, possible] of this.#things) {
      const text = found.get(thing)
      if (!possible.some(each => fits(each, text))) {
        const expected = possible.map(each => say(each.text)).join(' or ')
        violations.push(`${thing} is ${say(text)}, acknowledged was ${expected}`)
      }
      this.#things.set(thing, [{ text, isPrefix: false }])
    }
    for (const [thing, text] of found) {
      if (this.#things.has(thing)) continue
      violations.push(`${thing} is ${say(text)}, and nobody has asked for it`)
      this.#things.set(thing, [{ text, isPrefix: false }])
    }
    return violations
  }
}
