/** Long polls that wait for one room, for those who look into it without being a member. */
export class RoomWaits {
  readonly #waiting = new Map<string, Set<() => void>>()

  /** An event was added to the room. */
  notify(roomId: string): void {
    for (const wake of this.#waiting.get(roomId) ?? []) wake()
  }

  /** Resolves at the next event of the room, after `timeoutMs`, or when the signal aborts; never rejects. */
  wait(roomId: string, timeoutMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted || timeoutMs <= 0) return resolve()
      const wakes = this.#waiting.get(roomId) ?? new Set()
      this.#waiting.set(roomId, wakes)
      const done = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        wakes.delete(done)
        if (wakes.size === 0 && this.#waiting.get(roomId) === wakes) this.#waiting.delete(roomId)
        resolve()
      }
      wakes.add(done)
      const timer = setTimeout(done, timeoutMs)
      signal.addEventListener('abort', done, { once: true })
    })
  }
}
