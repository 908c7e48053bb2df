/** Typed events between modules that must not know each other. Listeners run at once, in order of subscription. */
export class Bus<Events extends object> {
  readonly #listeners = new Map<PropertyKey, Set<(event: never) => void>>()

  /** Returns the function that ends the subscription. */
  on<K extends keyof Events>(name: K, listener: (event: Events[K]) => void): () => void {
    const listeners = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, listeners)
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }

  emit<K extends keyof Events>(name: K, event: Events[K]): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])])
      (listener as (event: Events[K]) => void)(event)
  }
}
