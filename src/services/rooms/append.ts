import type { Logger } from 'pino'
import { forbidden, invalidParam, MatrixError } from '../../matrix/errors.ts'
import { type RoomId, serverOf, type UserId } from '../../matrix/ids.ts'
import { authTypesFor } from '../../room/auth-types.ts'
import { roomIdOf } from '../../room/hashes.ts'
import type { Pdu, StateLookup } from '../../room/event.ts'
import type { SigningKey } from '../../matrix/signing-key.ts'
import type { RoomVersion } from '../../room/versions.ts'
import type { Db, Tx } from '../../storage/db.ts'
import * as events from '../../storage/events.ts'
import { nameNids } from '../../storage/names.ts'
import * as rooms from '../../storage/rooms.ts'
import { canonicalJson } from '../../matrix/canonical-json.ts'
import type { Clock } from '../../util/clock.ts'
import type { Hub } from '../hub.ts'
import type { Stream } from '../stream.ts'
import { buildEvent } from './build-event.ts'
import type { Draft, SendRequest, Sent } from './draft.ts'
import { LiveRoom, stateKeyOf } from './live-room.ts'
import type { LiveRooms } from './live-rooms.ts'
import { type Entry, persist, relationOf } from './persist.ts'
import { StoredEvent } from './stored-event.ts'
import { strippedStateText } from './stripped-state.ts'

/** Requests that one transaction takes together. */
const MAX_BATCH = 50

interface Deps {
  db: Db
  clock: Clock
  stream: Stream
  hub: Hub
  rooms: LiveRooms
  serverName: string
  signingKey: SigningKey
  random(bytes: number): Uint8Array
  log: Logger
}

interface Waiting {
  request: SendRequest
  resolve(sent: Sent): void
  reject(error: unknown): void
}

/** Told of what was appended, after the commit, in the order of positions. */
export type AppendListener = (room: LiveRoom, appended: readonly StoredEvent[]) => void

/**
 * The one door: every event of every room enters here. Whoever gets a room's lock appends all that wait for that room
 * as one chain in one transaction, and releases the lock after the commit.
 */
export class Append {
  readonly #deps: Deps
  readonly #waiting = new Map<RoomId, Waiting[]>()
  readonly #listeners: AppendListener[] = []

  constructor(deps: Deps) {
    this.#deps = deps
  }

  onAppended(listener: AppendListener): void {
    this.#listeners.push(listener)
  }

  /** Sends one event. Resolves once it is durable and visible to `/sync`. */
  send(roomId: RoomId, request: SendRequest): Promise<Sent> {
    return new Promise((resolve, reject) => {
      const entry = { request, resolve, reject }
      const queue = this.#waiting.get(roomId)
      if (queue) {
        queue.push(entry)
        return
      }
      this.#waiting.set(roomId, [entry])
      this.#drain(roomId).catch((error) => this.#deps.log.error({ err: error, roomId }, 'Appending failed'))
    })
  }

  /** Sends several events as one chain: all or, at the first that is refused, none of the later ones. */
  async sendAll(roomId: RoomId, drafts: readonly Draft[]): Promise<Sent[]> {
    return Promise.all(drafts.map((draft) => this.send(roomId, { draft })))
  }

  /**
   * Makes a room of its first events (the create event leads), atomically: all of them or no room.
   * `alongside` writes what belongs to it (alias, directory) in the same transaction.
   */
  async createRoom(
    version: RoomVersion,
    chosenId: RoomId,
    drafts: readonly Draft[],
    alongside: (tx: Tx, room: { nid: number; roomId: RoomId }) => Promise<void> = async () => {},
  ): Promise<RoomId> {
    const { db, stream } = this.#deps
    const [first, ...rest] = drafts
    if (!first) throw new Error('A room needs a create event')
    const blank = (roomId: RoomId, nid: number) =>
      new LiveRoom(
        db,
        { nid, roomId, version, stateNid: undefined },
        { extremities: [], tail: [], tailFloor: 0, localJoined: [], counts: new Map() },
      )
    const work = new Chain(this.#deps, blank(chosenId, 0), true)
    const create = await work.add({ draft: first })
    const roomId = version.createHashRoomId ? roomIdOf(create.event.pdu, version) as RoomId : chosenId
    work.roomId = roomId
    for (const draft of rest) await work.add({ draft })
    const room = await stream.write(async (tx, take) => {
      const nid = await rooms.insertRoom(tx, roomId, version.id)
      await alongside(tx, { nid, roomId })
      const live = blank(roomId, nid)
      const stateNid = await persist(tx, take, work.batch({ nid, roomId }))
      return { value: live, announce: () => this.#announce(live, work, stateNid) }
    })
    this.#deps.rooms.add(room)
    return roomId
  }

  async #drain(roomId: RoomId): Promise<void> {
    for (;;) {
      const queue = this.#waiting.get(roomId)
      const batch = queue?.splice(0, MAX_BATCH) ?? []
      if (batch.length === 0) {
        this.#waiting.delete(roomId)
        return
      }
      try {
        await this.#appendBatch(roomId, batch)
      } catch (error) {
        for (const waiting of batch) waiting.reject(error)
      }
    }
  }

  async #appendBatch(roomId: RoomId, batch: readonly Waiting[]): Promise<void> {
    const { rooms: liveRooms, stream } = this.#deps
    const room = await liveRooms.get(roomId)
    liveRooms.pin(room)
    try {
      const work = new Chain(this.#deps, room, false)
      const accepted: { waiting: Waiting; event: StoredEvent }[] = []
      for (const waiting of batch) {
        try {
          const { event } = await work.add(waiting.request)
          accepted.push({ waiting, event })
        } catch (error) {
          waiting.reject(error)
        }
      }
      if (work.entries.length > 0) {
        await stream.write(async (tx, take) => {
          const stateNid = await persist(tx, take, work.batch(room))
          return { value: undefined, announce: () => this.#announce(room, work, stateNid) }
        })
      }
      for (const { waiting, event } of accepted) waiting.resolve({ eventId: event.eventId, pos: event.pos })
    } catch (error) {
      // What memory holds may no longer be what the tables hold.
      liveRooms.drop(roomId)
      throw error
    } finally {
      liveRooms.unpin(room)
    }
  }

  #announce(room: LiveRoom, work: Chain, stateNid: number | undefined): void {
    const { hub, serverName, log } = this.#deps
    const users = new Set<UserId>(room.localJoined)
    for (const { event, replaces, redacts } of work.entries) {
      if (redacts) room.applyRedaction(redacts.eventId, event.nid)
      if (event.isState) {
        room.setState(event)
        if (event.type === 'm.room.member') {
          const userId = event.stateKey as UserId
          const isLocal = serverOf(userId) === serverName
          const before = replaces?.pdu.content.membership
          room.setMembership(
            userId,
            isLocal,
            typeof before === 'string' ? before : undefined,
            String(event.pdu.content.membership),
          )
          if (isLocal) users.add(userId)
        }
      }
      room.pushEvent(event)
    }
    room.extremities = [(work.entries.at(-1) as Entry).event]
    room.stateNid = stateNid
    const appended = work.entries.map((entry) => entry.event)
    for (const listener of this.#listeners) {
      try {
        listener(room, appended)
      } catch (error) {
        log.error({ err: error, roomId: room.roomId }, 'A listener of appended events failed')
      }
    }
    hub.publish(users, room.lastPos)
  }
}

/** Events being added to a room: each is built upon those before it, none of them is written yet. */
class Chain {
  readonly entries: Entry[] = []
  roomId: RoomId
  readonly #deps: Deps
  readonly #room: LiveRoom
  readonly #isNew: boolean
  readonly #overlay = new Map<string, StoredEvent>()
  readonly #txns = new Map<string, Entry>()

  constructor(deps: Deps, room: LiveRoom, isNew: boolean) {
    this.#deps = deps
    this.#room = room
    this.#isNew = isNew
    this.roomId = room.roomId
  }

  batch(room: { nid: number; roomId: RoomId }) {
    return {
      room,
      stateNid: this.#room.stateNid,
      extremitiesBefore: this.#room.extremities.map((event) => event.nid),
      entries: this.entries,
      serverName: this.#deps.serverName,
      now: this.#deps.clock.now(),
    }
  }

  /** Builds and checks one more event; throws what the client is told when it may not be sent. */
  async add({ draft, txn }: SendRequest): Promise<{ event: StoredEvent }> {
    const { db, clock } = this.#deps
    const room = this.#room
    if (txn) {
      const known = this.#txns.get(`${txn.deviceNid} ${txn.txnId}`)
      if (known) return known
      const eventId = await events.findTransaction(db, txn.deviceNid, room.nid, txn.txnId)
      const row = eventId === undefined ? undefined : await events.findEvent(db, eventId)
      if (row) return { event: new StoredEvent(row, room.roomId, room.version) }
    }
    const isCreate = draft.type === 'm.room.create' && this.entries.length === 0 && this.#isNew
    const state = await this.#stateFor(draft)
    const replaces =
      draft.stateKey === undefined ? undefined : (state(draft.type, draft.stateKey) as StoredEvent | undefined)
    if (replaces && isUnchanged(replaces, draft)) return { event: replaces }

    const previous = this.entries.at(-1)
    const built = buildEvent(
      draft,
      {
        roomId: isCreate && room.version.createHashRoomId ? undefined : this.roomId,
        version: room.version,
        extremities: previous ? [previous.event] : room.extremities,
        state,
      },
      clock.now(),
      { serverName: this.#deps.serverName, key: this.#deps.signingKey, random: this.#deps.random },
    )
    const event = new StoredEvent(newRow(built, this.#deps.clock.now()), this.roomId, room.version, built.pdu)
    await this.#refuseDuplicate(event)
    const entry: Entry = {
      event,
      authEvents: built.authEvents,
      replaces,
      redacts: draft.redacts === undefined ? undefined : await this.#redactable(draft),
      strippedState: await this.#strippedState(draft, state),
      ...(txn && { txn }),
    }
    this.entries.push(entry)
    if (event.isState) this.#overlay.set(stateKeyOf(draft.type, draft.stateKey as string), event)
    if (txn) this.#txns.set(`${txn.deviceNid} ${txn.txnId}`, entry)
    return entry
  }

  async #stateFor(draft: Draft): Promise<StateLookup> {
    const room = this.#room
    // The authorisation of an invite, knock or join also looks at these.
    const keys: [string, string][] = [
      ['m.room.create', ''],
      ['m.room.power_levels', ''],
      ['m.room.member', draft.sender],
    ]
    if (draft.stateKey !== undefined) keys.push([draft.type, draft.stateKey])
    keys.push(...authTypesFor(skeleton(draft, this.roomId), room.version))
    if (draft.type === 'm.room.member') for (const type of STRIPPED_TYPES) keys.push([type, ''])
    const stored = this.#isNew ? undefined : await room.loadState(keys)
    return (type, stateKey) => this.#overlay.get(stateKeyOf(type, stateKey)) ?? stored?.(type, stateKey)
  }

  async #refuseDuplicate(event: StoredEvent): Promise<void> {
    const relation = relationOf(event)
    if (!relation || relation.key === null) return
    const { type, sender } = event.pdu
    const nids = await nameNids(this.#deps.db, [type, sender])
    const [typeNid, senderNid] = [nids.get(type), nids.get(sender)]
    const waits = this.entries.some((other) => {
      const there = relationOf(other.event)
      return (
        there?.key === relation.key &&
        there.parentId === relation.parentId &&
        other.event.pdu.sender === sender &&
        other.event.type === type
      )
    })
    const stored =
      typeNid !== undefined &&
      senderNid !== undefined &&
      (await events.hasAnnotation(this.#deps.db, relation.parentId, senderNid, typeNid, relation.key))
    if (waits || stored) throw new MatrixError('M_DUPLICATE_ANNOTATION', 'You have already sent this reaction')
  }

  /** The event to be redacted, once it is clear that the sender may (spec: client-server API, Redactions). */
  async #redactable(draft: Draft): Promise<StoredEvent | undefined> {
    const room = this.#room
    const inBatch = this.entries.find((entry) => entry.event.eventId === draft.redacts)?.event
    const row = inBatch ? undefined : await events.findEvent(this.#deps.db, draft.redacts as string)
    const target = inBatch ?? (row && new StoredEvent(row, room.roomId, room.version))
    if (!target) return undefined
    if (!inBatch && target.row.room_nid !== room.nid) throw invalidParam('That event is in another room')
    if (target.type === 'm.room.create') throw forbidden('A create event cannot be redacted')
    const levels = await room.powerLevels()
    if (target.pdu.sender !== draft.sender && levels.userLevel(draft.sender) < levels.redact) {
      throw forbidden('You may not redact events of others here')
    }
    return target
  }

  async #strippedState(draft: Draft, state: StateLookup): Promise<string | undefined> {
    const { membership } = draft.content
    if (draft.type !== 'm.room.member' || (membership !== 'invite' && membership !== 'knock')) return undefined
    return strippedStateText([...STRIPPED_TYPES.map((type) => state(type, '')), state('m.room.member', draft.sender)])
  }
}

/** What someone who is invited or knocks is told of a room (spec: client-server API, Stripped state). */
const STRIPPED_TYPES = [
  'm.room.create',
  'm.room.join_rules',
  'm.room.name',
  'm.room.topic',
  'm.room.avatar',
  'm.room.canonical_alias',
  'm.room.encryption',
] as const

const skeleton = (draft: Draft, roomId: string): Pdu => ({
  type: draft.type,
  sender: draft.sender,
  room_id: roomId,
  content: draft.content,
  ...(draft.stateKey !== undefined && { state_key: draft.stateKey }),
  depth: 1,
  origin_server_ts: 0,
  prev_events: [],
  auth_events: [],
})

/** Sending a state event again that is already the current one changes nothing and makes no new event. */
const isUnchanged = (current: StoredEvent, draft: Draft): boolean =>
  current.pdu.sender === draft.sender &&
  !current.isRedacted &&
  canonicalJson(current.pdu.content) === canonicalJson(draft.content)

const newRow = (built: { eventId: string; json: string; depth: number; pdu: Pdu }, now: number): events.EventRow => ({
  nid: 0,
  event_id: built.eventId,
  room_nid: 0,
  pos: null,
  depth: built.depth,
  type_nid: 0,
  sender_nid: 0,
  key_nid: null,
  ts: built.pdu.origin_server_ts ?? now,
  kind: events.EVENT_KIND.timeline,
  auth: '[]',
  auth_rank: 0,
  state_nid: null,
  redacted_by_nid: null,
  reason: null,
  json: built.json,
})

