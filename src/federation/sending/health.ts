import type { DestinationRow } from '../../storage/federation/destinations.ts'
import { backoffMs } from '../../util/backoff.ts'

const SECOND_MS = 1_000
const FIRST_PAUSE_MS = 2 * SECOND_MS
const LONGEST_PAUSE_MS = 3_600 * SECOND_MS
/** A server that was heard of is tried again, but not more often than this. */
const SHORTEST_PAUSE_MS = 5 * SECOND_MS
/** After so long a queue is collapsed to the newest event of each room. */
const COLLAPSE_AFTER_MS = 3_600 * SECOND_MS

/** Whether a server answers, and when to try again. */
export class Health {
  #row: DestinationRow
  #triedAt = Number.NEGATIVE_INFINITY
  readonly #random: () => number

  /** `random`: a number in [0, 1), so that servers which fail together do not come back together. */
  constructor(row: DestinationRow, random: () => number) {
    this.#row = row
    this.#random = random
  }

  get row(): DestinationRow {
    return this.#row
  }
  get isFailing(): boolean {
    return this.#row.failures > 0
  }
  get retryAt(): number {
    return this.#row.retry_at
  }

  /** Whether it has failed for so long that it will have to fetch what it missed. */
  isLongGone(now: number): boolean {
    return this.#row.failing_since !== null && now - this.#row.failing_since >= COLLAPSE_AFTER_MS
  }

  onSuccess(now: number): void {
    const { server_nid } = this.#row
    this.#row = { server_nid, failures: 0, failing_since: null, retry_at: 0, last_success_ts: now, last_error: null }
  }

  /** `retryAfterMs`: what the server asked for. */
  onFailure(now: number, reason: string, retryAfterMs = 0): void {
    const failures = this.#row.failures + 1
    const pause = backoffMs(failures, FIRST_PAUSE_MS, LONGEST_PAUSE_MS) * (0.8 + 0.4 * this.#random())
    this.#triedAt = now
    this.#row = {
      ...this.#row,
      failures,
      failing_since: this.#row.failing_since ?? now,
      retry_at: Math.round(now + Math.max(pause, Math.min(retryAfterMs, LONGEST_PAUSE_MS))),
      last_error: reason.slice(0, 500),
    }
  }

  /** It spoke to us, so it may be there again; true where that means an earlier try. */
  onHeard(now: number): boolean {
    const soon = Math.max(now, this.#triedAt + SHORTEST_PAUSE_MS)
    if (!this.isFailing || soon >= this.#row.retry_at) return false
    this.#row = { ...this.#row, retry_at: soon }
    return true
  }
}
