import { canonicalJson } from '../../../matrix/canonical-json.ts'
import { badJson, forbidden, MatrixError } from '../../../matrix/errors.ts'
import type { RoomId } from '../../../matrix/ids.ts'
import { isObject } from '../../../matrix/json.ts'
import type { StateLookup } from '../../../room/event.ts'
import { PowerLevels } from '../../../room/power-levels.ts'
import type { RoomVersion } from '../../../room/versions.ts'
import type { Draft, SendRequest } from '../draft.ts'
import { type Batch, type Entry, type StateEdit, txnKey } from '../entry.ts'
import { relationOf } from '../relation.ts'
import { hasOthers } from '../server-moves.ts'
import { stateKeyOf } from '../state/current-state.ts'
import { strippedStateText } from '../state/stripped-state.ts'
import type { StoredEvent } from '../stored-event.ts'
import { buildEvent, type Signer } from './build-event.ts'
import { annotationKey, type Known } from './known.ts'

/** Of more forward extremities than these, an event follows the newest. */
const MAX_PREV_EVENTS = 10

interface Room {
  roomId: RoomId
  version: RoomVersion
  stateNid: number | undefined
  extremities: readonly StoredEvent[]
  /** The servers that are in it, perhaps with our own. */
  servers: ReadonlyMap<string, number>
}

/** Our own events being added to a room: each is built upon the one before it, none of them is written yet. */
export class Chain {
  readonly entries: Entry[] = []
  readonly #changes: { edit: StateEdit; at: Entry }[] = []
  readonly #signer: Signer
  readonly #room: Room
  readonly #known: Known
  readonly #now: number
  readonly #isShared: boolean
  readonly #previous: readonly StoredEvent[]
  #roomId: RoomId
  readonly #overlay = new Map<string, StoredEvent>()
  readonly #txns = new Map<string, StoredEvent>()

  /** `isShared`: events leave this server as soon as they are built. */
  constructor(
    signer: Signer,
    room: Room,
    known: Known,
    now: number,
    isShared = hasOthers(room.servers, signer.serverName),
  ) {
    this.#signer = signer
    this.#room = room
    this.#known = known
    this.#roomId = room.roomId
    this.#now = now
    this.#isShared = isShared
    this.#previous = room.extremities.slice(-MAX_PREV_EVENTS)
  }

  /** The room's id: before its first event perhaps not the one that was chosen. */
  get roomId(): RoomId {
    return this.#roomId
  }

  /** What is to be written. */
  batch(room: Batch['room']): Batch {
    const last = this.entries.at(-1)
    return {
      room,
      entries: this.entries,
      state: this.#changes.length > 0 ? { on: last, edits: [] } : undefined,
      changes: this.#changes,
      extremities: { removed: this.#previous, added: last ? [last.event] : [] },
    }
  }

  /**
   * Builds and checks one more event. Gives the one that is already there when the transaction id or the state is the
   * same; throws what the client is told when it may not be sent.
   */
  add({ draft, txn }: SendRequest): StoredEvent {
    const known = txn && (this.#txns.get(txnKey(txn)) ?? this.#known.sent.get(txnKey(txn)))
    if (known) return known
    const replaces = draft.stateKey === undefined ? undefined : this.#stateEvent(draft.type, draft.stateKey)
    if (draft.replaces !== undefined && draft.replaces !== replaces?.eventId) {
      throw new MatrixError('M_BAD_STATE', 'The state has changed meanwhile')
    }
    if (replaces && isUnchanged(replaces, draft)) return replaces
    this.#refuseNamedCreators(draft)

    const before = this.entries.at(-1)
    const { event, authEvents } = buildEvent(
      draft,
      {
        roomId: this.#roomId,
        version: this.#room.version,
        previous: before ? [before.event] : this.#previous,
        state: this.#state,
        isShared: this.#isShared,
      },
      this.#now,
      this.#signer,
    )
    this.#refuseDuplicate(event)
    const entry: Entry = {
      event,
      authEvents,
      before: { on: before ?? this.#room.stateNid, edits: [] },
      txn,
      redacts: draft.redacts === undefined ? undefined : this.#redaction(draft, draft.redacts),
      strippedState: isOffer(draft) ? strippedStateText(this.#state, draft.sender) : undefined,
      outgoing: {},
    }
    this.entries.push(entry)
    if (draft.stateKey !== undefined) {
      this.#overlay.set(stateKeyOf(draft.type, draft.stateKey), event)
      this.#changes.push({ edit: { event, replaces }, at: entry })
    }
    if (txn) this.#txns.set(txnKey(txn), event)
    // A create event may have named its room.
    this.#roomId = event.roomId
    return event
  }

  readonly #state: StateLookup<StoredEvent> = (type, stateKey) =>
    this.#overlay.get(stateKeyOf(type, stateKey)) ?? this.#known.state(type, stateKey)

  #stateEvent(type: string, stateKey: string): StoredEvent | undefined {
    return this.#state(type, stateKey)
  }

  get #levels(): PowerLevels {
    return new PowerLevels(this.#state('m.room.create', ''), this.#state('m.room.power_levels', ''), this.#room.version)
  }

  /** Creators are above all levels (rooms/v12): naming one there is a mistake in the request, not a lack of power. */
  #refuseNamedCreators({ type, stateKey, sender, content }: Draft): void {
    if (!this.#room.version.privilegedCreators || type !== 'm.room.power_levels' || stateKey !== '') return
    // Strangers do not learn who the creators are.
    if (this.#stateEvent('m.room.member', sender)?.membership !== 'join') return
    const levels = this.#levels
    if (isObject(content.users) && Object.keys(content.users).some((userId) => levels.isCreator(userId))) {
      throw badJson('Whoever made this room has all rights already: leave them out of the power levels')
    }
  }

  #refuseDuplicate({ pdu }: StoredEvent): void {
    const relation = relationOf(pdu)
    if (!relation || relation.key === null) return
    const key = annotationKey(relation, pdu.sender, pdu.type)
    const isWaiting = this.entries.some(({ event }) => {
      const there = relationOf(event.pdu)
      return there && there.key !== null && annotationKey(there, event.pdu.sender, event.type) === key
    })
    if (isWaiting || this.#known.annotations.has(key)) {
      throw new MatrixError('M_DUPLICATE_ANNOTATION', 'You have already sent this annotation')
    }
  }

  /** Whom the sender may redact is decided here (spec: client-server API, Redactions): the room's rules do not. */
  #redaction(draft: Draft, eventId: string): NonNullable<Entry['redacts']> {
    const target =
      this.entries.find(({ event }) => event.eventId === eventId)?.event ?? this.#known.targets.get(eventId)
    if (target?.type === 'm.room.create') throw forbidden('A create event cannot be redacted')
    if (target && target.pdu.sender !== draft.sender) {
      const levels = this.#levels
      if (levels.userLevel(draft.sender) < levels.redact) throw forbidden('You may not redact events of others here')
    }
    return { eventId, target }
  }
}

/** Someone who is not in the room yet is told of it with this event. */
const isOffer = ({ type, content: { membership } }: Draft): boolean =>
  type === 'm.room.member' && (membership === 'invite' || membership === 'knock')

/** Sending a state event again that is already the current one changes nothing and makes no new event. */
const isUnchanged = (current: StoredEvent, { sender, content }: Draft): boolean =>
  current.pdu.sender === sender && !current.isRedacted && canonicalJson(current.pdu.content) === canonicalJson(content)
