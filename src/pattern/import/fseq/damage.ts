/** Thrown inside a decoder at the first byte that cannot be right, and caught by who started it. `message` says what was found and what was expected. */
export class Damage extends Error {}
