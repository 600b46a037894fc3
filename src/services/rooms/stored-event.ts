import type { EventId, RoomId, UserId } from '../../matrix/ids.ts'
import { clientEvent } from '../../room/client-format.ts'
import { isState, type Pdu, type RoomEvent, readPdu } from '../../room/event.ts'
import { redact } from '../../room/redaction.ts'
import type { RoomVersion } from '../../room/versions.ts'
import { EVENT_KIND, type EventRow } from '../../storage/rooms/events.ts'

/** An event as the server holds it: its row, its JSON parsed when first asked, its client text made once. */
export class StoredEvent implements RoomEvent {
  /** `persist` fills in the numbers of a new event; after that nothing changes any more. */
  readonly row: EventRow
  readonly roomId: RoomId
  readonly version: RoomVersion
  #pdu: Pdu | undefined
  #clientText: string | undefined
  #auth: number[] | undefined

  constructor(row: EventRow, roomId: RoomId, version: RoomVersion, pdu?: Pdu) {
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
  /** Clients may see it: it is neither an outlier nor rejected nor soft-failed. */
  get isTimeline(): boolean {
    return this.row.kind === EVENT_KIND.timeline
  }
  get isRedacted(): boolean {
    return this.row.redacted_by_nid !== null
  }
  get isState(): boolean {
    return this.row.key_nid !== null
  }
  /** The position in arrival order, negative when it was backfilled; 0 for what has none. */
  get pos(): number {
    return this.row.pos ?? 0
  }

  /** The event as it was signed, also when it was redacted since: see `visible`. */
  get pdu(): Pdu {
    this.#pdu ??= readPdu(this.row.json, this.version)
    return this.#pdu
  }

  /** Lets go of what was parsed; whoever asks has it parsed again. An old message is seldom asked for more than its text. */
  release(): void {
    this.#pdu = undefined
  }

  /** The event as clients may see it: pruned when it was redacted. */
  get visible(): Pdu {
    return this.isRedacted ? redact(this.pdu, this.version) : this.pdu
  }

  get type(): string {
    return this.pdu.type
  }
  /** What is stored has passed the checks of its form: its sender is a user id. */
  get sender(): UserId {
    return this.pdu.sender as UserId
  }
  get stateKey(): string | undefined {
    const { pdu } = this
    return isState(pdu) ? pdu.state_key : undefined
  }
  /** `membership` of a member event. */
  get membership(): string | undefined {
    const { membership } = this.pdu.content
    return typeof membership === 'string' ? membership : undefined
  }
  get authNids(): number[] {
    this.#auth ??= JSON.parse(this.row.auth) as number[]
    return this.#auth
  }
  get authRank(): number {
    return this.row.auth_rank
  }

  /**
   * The event in client format without `room_id` and `unsigned`, and without its closing brace: those two are composed
   * for each request, the rest is made once and reused.
   */
  get clientText(): string {
    this.#clientText ??= JSON.stringify(clientEvent(this.visible, this.eventId, this.version)).slice(0, -1)
    return this.#clientText
  }

  /** The same event after a redaction has been applied to it; of several the first counts. */
  redactedBy(redactionNid: number): StoredEvent {
    if (this.isRedacted) return this
    return new StoredEvent({ ...this.row, redacted_by_nid: redactionNid }, this.roomId, this.version, this.#pdu)
  }

  /** The event as a stranger to its content may see it: pruned as if redacted, though no event (0) did it. */
  pruned(): StoredEvent {
    return this.redactedBy(0)
  }
}
