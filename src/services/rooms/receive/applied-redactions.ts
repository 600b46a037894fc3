import type { RoomVersion } from '../../../room/versions.ts'
import type { Entry } from '../entry.ts'
import { type StateView, storedView, type ViewReader } from '../state/state-view.ts'
import type { StoredEvent } from '../stored-event.ts'
import type { KnownEvents } from './known-events.ts'
import { REDACTION_PLACES, redactedId, takesEffect } from './redactions.ts'

/** Which redactions take effect where events come in, whichever of the two comes first. */
export class AppliedRedactions {
  readonly #known: KnownEvents
  readonly #reader: ViewReader
  readonly #version: RoomVersion

  constructor(known: KnownEvents, reader: ViewReader, version: RoomVersion) {
    this.#known = known
    this.#reader = reader
    this.#version = version
  }

  /** What the event redacts, by the state before it; undefined: nothing. */
  async by(event: StoredEvent, before: StateView): Promise<Entry['redacts']> {
    const eventId = event.isTimeline ? redactedId(event.pdu, this.#version) : undefined
    if (eventId === undefined) return undefined
    const target = this.#known.stored.get(eventId)
    if (!target) return { eventId, target }
    const state = await this.#reader.lookup(before, REDACTION_PLACES)
    return takesEffect(event.pdu, target.pdu, state, this.#version) ? { eventId, target } : undefined
  }

  /** Applies a redaction of the event that came before it. */
  async applyWaiting(event: StoredEvent): Promise<void> {
    for (const redaction of this.#known.redactions.get(event.eventId) ?? []) {
      const view = storedView(redaction.row.state_nid ?? undefined)
      const state = await this.#reader.lookup(view, REDACTION_PLACES)
      if (takesEffect(redaction.pdu, event.pdu, state, this.#version)) event.row.redacted_by_nid ??= redaction.nid
    }
  }
}
