import { prevEventIds } from '../../../../room/event.ts'
import type { Incoming } from '../../receive/incoming.ts'

/** What became of the events of a room that were judged again: enough to tell which of them no other one follows. */
export class JudgedEvents {
  /** The last one of them, by its place in the order. */
  lastSeq = 0
  readonly #events = new Map<string, { isShown: boolean; previous: readonly string[] }>()

  note({ eventId, pdu }: Pick<Incoming, 'eventId' | 'pdu'>, isShown: boolean): void {
    this.#events.set(eventId, { isShown, previous: prevEventIds(pdu) })
  }

  /** Whether it was judged again and is not in the timeline. */
  isHidden(eventId: string): boolean {
    return this.#events.get(eventId)?.isShown === false
  }

  /** The forward extremities, `before` being those so far: what is in the timeline and no other such event follows. */
  heads(before: readonly Pick<Incoming, 'eventId' | 'pdu'>[]): string[] {
    const shown = new Map<string, readonly string[]>()
    for (const { eventId, pdu } of before) if (!this.isHidden(eventId)) shown.set(eventId, prevEventIds(pdu))
    for (const [eventId, { isShown, previous }] of this.#events) if (isShown) shown.set(eventId, previous)
    const followed = new Set<string>()
    const waiting = [...shown.values()].flat()
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
      if (followed.has(id)) continue
      followed.add(id)
      // What is not in the timeline is passed over: it hides none of those that it follows.
      if (this.isHidden(id)) waiting.push(...(this.#events.get(id)?.previous ?? []))
    }
    const heads = [...shown.keys()].filter((id) => !followed.has(id))
    // Nothing is left of a room whose join was not allowed after all.
    return heads.length > 0 ? heads : before.map(({ eventId }) => eventId)
  }
}
