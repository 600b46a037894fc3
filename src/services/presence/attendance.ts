import type { PresenceState, UserPresence } from './user-presence.ts'

/** What a device says, and until when that counts. */
interface Word {
  readonly presence: PresenceState
  readonly until: number
}

/**
 * What the devices say of those who are there, or were until a moment ago. However many users there ever were, it knows
 * only these, so that looking through them costs as much as there are people at work.
 */
export class Attendance {
  readonly #words = new Map<UserPresence, Map<number, Word>>()

  /** A device says so; the word of another server counts as one of device 0. */
  note(user: UserPresence, deviceNid: number, presence: PresenceState, until: number): void {
    const words = this.#words.get(user) ?? new Map<number, Word>()
    words.set(deviceNid, { presence, until })
    this.#words.set(user, words)
  }

  /** What the most present of the user's devices says. */
  says(user: UserPresence, now: number): PresenceState {
    let best: PresenceState = 'offline'
    for (const { presence, until } of this.#words.get(user)?.values() ?? []) {
      if (until <= now) continue
      if (presence === 'online') return 'online'
      if (presence === 'unavailable') best = 'unavailable'
    }
    return best
  }

  /** Those of whom the devices say something else than what is known; forgets who has gone and is known to have. */
  changed(now: number): UserPresence[] {
    const changed: UserPresence[] = []
    for (const [user, words] of this.#words) {
      for (const [deviceNid, { until }] of words) if (until <= now) words.delete(deviceNid)
      if (this.says(user, now) !== user.presence) changed.push(user)
      else if (words.size === 0) this.#words.delete(user)
    }
    return changed
  }

  /** Users who are looked through. */
  get size(): number {
    return this.#words.size
  }
}
