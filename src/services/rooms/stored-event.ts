import type { EventId } from '../../matrix/ids.ts'
import { clientEvent } from '../../room/client-format.ts'
import { isState, type Pdu, type RoomEvent } from '../../room/event.ts'
import { redact } from '../../room/redaction.ts'
import type { RoomVersion } from '../../room/versions.ts'
import { EVENT_KIND, type EventRow } from '../../storage/events.ts'

/** An event as the server holds it: its row, its JSON parsed when first asked, its client text made once. */
export class StoredEvent implements RoomEvent {
  readonly row: EventRow
  readonly roomId: string
  readonly version: RoomVersion
  #pdu: Pdu | undefined
  #clientText: string | undefined
  #auth: number[] | undefined

  constructor(row: EventRow, roomId: string, version: RoomVersion, pdu?: Pdu) {
    this.row = row
    this.roomId = roomId
    this.version = version
    this.#pdu = pdu
  }

  get eventId(): EventId {
    return this.row.event_id as EventId
  }
  get nid(): number {
    return this.row.nid
  }
  get rejected(): boolean {
    return this.row.kind === EVENT_KIND.rejected
  }
  get isRedacted(): boolean {
    return this.row.redacted_by_nid !== null
  }
  get isState(): boolean {
    return this.row.key_nid !== null
  }
  /** The position in arrival order; outliers have none. */
  get pos(): number {
    return this.row.pos ?? 0
  }

  get pdu(): Pdu {
    this.#pdu ??= JSON.parse(this.row.json) as Pdu
    return this.#pdu
  }

  /** The event as clients may see it: pruned when it was redacted. */
  get visible(): Pdu {
    return this.isRedacted ? redact(this.pdu, this.version) : this.pdu
  }

  get type(): string {
    return this.pdu.type
  }
  get stateKey(): string | undefined {
    const { pdu } = this
    return isState(pdu) ? pdu.state_key : undefined
  }
  get authNids(): number[] {
    this.#auth ??= JSON.parse(this.row.auth) as number[]
    return this.#auth
  }

  /**
   * The event in client format without `room_id` and `unsigned`, and without its closing brace: those two are composed
   * for each request, the rest is made once and reused.
   */
  get clientText(): string {
    this.#clientText ??= JSON.stringify(clientEvent(this.visible, this.eventId, this.version)).slice(0, -1)
    return this.#clientText
  }

  /** The same event after a redaction has been applied to it. */
  redactedBy(redactionNid: number): StoredEvent {
    return new StoredEvent({ ...this.row, redacted_by_nid: redactionNid }, this.roomId, this.version, this.#pdu)
  }
}
