export interface QuotaLimits {
  readonly bytes: number
  readonly rows: number
  readonly bytesPerUser: number
  readonly rowsPerUser: number
}

interface Use {
  bytes: number
  rows: number
}

/** Bytes and rows, of everybody together and of each user. */
export class UserQuota {
  readonly #limits: QuotaLimits
  readonly #users = new Map<string, Use>()
  readonly #all: Use = { bytes: 0, rows: 0 }
  /** For which there was no room. */
  refused = 0

  constructor(limits: QuotaLimits) {
    this.#limits = limits
  }

  get bytes(): number {
    return this.#all.bytes
  }

  get rows(): number {
    return this.#all.rows
  }

  /** False, and counted: there is no room. `user` undefined: only the total counts. */
  take(user: string | undefined, bytes: number): boolean {
    const limits = this.#limits
    const own = user === undefined ? undefined : this.#users.get(user)
    const fits =
      this.#all.bytes + bytes <= limits.bytes &&
      this.#all.rows < limits.rows &&
      (user === undefined || bytes + (own?.bytes ?? 0) <= limits.bytesPerUser) &&
      (own?.rows ?? 0) < limits.rowsPerUser
    if (fits) this.force(user, bytes)
    else this.refused++
    return fits
  }

  /** Counts what is there already, whether it fits or not. */
  force(user: string | undefined, bytes: number): void {
    this.#all.bytes += bytes
    this.#all.rows++
    if (user === undefined) return
    const use = this.#users.get(user)
    if (use === undefined) {
      this.#users.set(user, { bytes, rows: 1 })
      return
    }
    use.bytes += bytes
    use.rows++
  }

  give(user: string | undefined, bytes: number): void {
    this.#all.bytes -= bytes
    this.#all.rows--
    const use = user === undefined ? undefined : this.#users.get(user)
    if (user === undefined || use === undefined) return
    use.bytes -= bytes
    use.rows--
    if (use.rows <= 0) this.#users.delete(user)
  }

  /** How full it is: that of everybody or of one user which is fullest, 0 to 1. */
  get share(): number {
    const { bytes, rows, bytesPerUser, rowsPerUser } = this.#limits
    let most = Math.max(this.#all.bytes / bytes, this.#all.rows / rows)
    for (const use of this.#users.values())
      most = Math.max(most, use.bytes / bytesPerUser, use.rows / rowsPerUser)
    return most
  }
}
