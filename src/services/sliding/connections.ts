import { LRUCache } from 'lru-cache'
import { MatrixError } from '../../matrix/errors.ts'
import { type Db, transact } from '../../storage/db.ts'
import { deleteInPieces } from '../../storage/expire.ts'
import * as store from '../../storage/sliding-states.ts'
import { type Clock, DAY_MS } from '../../util/clock.ts'
import { type ConnectionState, decodeRooms, encodeRooms, type SentRooms } from './connection.ts'

interface Deps {
  readonly db: Db
  readonly clock: Clock
  random(bytes: number): Uint8Array
}

/** A device's connection; the client names it (MSC4186: `conn_id`). */
export interface ConnectionKey {
  readonly deviceNid: number
  readonly connId: string
}

/** `size`: characters of it as JSON text. */
export interface StoredState extends ConnectionState {
  readonly size: number
}

interface Known {
  readonly states: readonly StoredState[]
  usedTs: number
  /** The last answer, to be given again when it got lost. */
  answer: { readonly to: string; readonly text: string } | undefined
}

const ID_BYTES = 6
/** Clients have two. */
const MAX_CONNECTIONS = 10
const MAX_CACHED_BYTES = 32 * 1024 * 1024
const BYTES_OF_ROOM = 150
/**
 * Characters of a state as JSON text: enough for ninety thousand rooms. A client can ask for ever other state of each of its
 * rooms, all of which has to be remembered.
 */
const MAX_STATE = 4 * 1024 * 1024
/** A longer answer is composed anew. */
const MAX_ANSWER = 64 * 1024
const EXPIRES_MS = 14 * DAY_MS

/**
 * What devices were sent over their connections of sliding sync. The table has it, so that after a restart, or on
 * another process, clients go on where they are; it is written only when a state differs from the one before it, which
 * is seldom once a client has its rooms. Memory is a cache of it.
 */
export class Connections {
  readonly #deps: Deps
  readonly #known = new LRUCache<string, Known>({ maxSize: MAX_CACHED_BYTES, sizeCalculation: sizeOf })

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** The state that a token names; `M_UNKNOWN_POS` when it has expired, was followed by another, or is not the device's. */
  async find(key: ConnectionKey, id: string): Promise<StoredState> {
    const state = this.#peek(key, id) ?? (await this.#load(key, id))
    if (!state) throw unknownPos()
    await this.#touch(key)
    return state
  }

  /**
   * Stores the state that follows `after` (undefined: a connection begins), and returns it with the id that it got. Throws
   * `M_UNKNOWN_POS` when it has become too large: the client begins anew.
   */
  async add(key: ConnectionKey, after: StoredState | undefined, rooms: SentRooms): Promise<StoredState> {
    const { db, clock, random } = this.#deps
    const text = encodeRooms(rooms)
    if (after && text.length > MAX_STATE) throw unknownPos()
    const state = { id: Buffer.from(random(ID_BYTES)).toString('hex'), rooms, size: text.length }
    const ts = clock.now()
    const dropped = await transact(db, async (tx) => {
      await store.insertSlidingState(tx, { ...key, id: state.id, after: after?.id, rooms: text, ts })
      return after ? [] : store.trimSlidingConnections(tx, key.deviceNid, MAX_CONNECTIONS)
    })
    for (const connId of dropped) this.#known.delete(nameOf({ ...key, connId }))
    const states = after ? [after, state] : [state]
    this.#known.set(nameOf(key), { states, usedTs: ts, answer: undefined })
    return state
  }

  /** The last answer of the connection, when it was one to this question: it got lost. */
  answerTo(key: ConnectionKey, question: string): string | undefined {
    const answer = this.#known.get(nameOf(key))?.answer
    return answer?.to === question ? answer.text : undefined
  }

  keepAnswer(key: ConnectionKey, to: string, text: string): void {
    const known = this.#known.get(nameOf(key))
    // Set anew, so that its size is counted anew.
    if (known) this.#known.set(nameOf(key), { ...known, answer: text.length > MAX_ANSWER ? undefined : { to, text } })
  }

  /** Forgets connections that nobody has used for two weeks. */
  async expire(): Promise<void> {
    const before = this.#deps.clock.now() - EXPIRES_MS
    await deleteInPieces(this.#deps.db, (tx, limit) => store.deleteSlidingStatesBefore(tx, before, limit))
  }

  #peek(key: ConnectionKey, id: string): StoredState | undefined {
    const known = this.#known.get(nameOf(key))
    if (known && known.usedTs < this.#deps.clock.now() - EXPIRES_MS) return undefined
    return known?.states.find((state) => state.id === id)
  }

  async #load(key: ConnectionKey, id: string): Promise<StoredState | undefined> {
    const row = await store.findSlidingState(this.#deps.db, key.deviceNid, key.connId, id)
    if (!row || row.used_ts < this.#deps.clock.now() - EXPIRES_MS) return undefined
    const state = { id, rooms: decodeRooms(row.rooms), size: row.rooms.length }
    this.#known.set(nameOf(key), { states: [state], usedTs: row.used_ts, answer: undefined })
    return state
  }

  /** Notes once a day that the connection is in use. */
  async #touch(key: ConnectionKey): Promise<void> {
    const known = this.#known.get(nameOf(key))
    const now = this.#deps.clock.now()
    if (!known || known.usedTs > now - DAY_MS) return
    known.usedTs = now
    await transact(this.#deps.db, (tx) => store.updateSlidingUse(tx, key.deviceNid, key.connId, now))
  }
}

export const unknownPos = (): MatrixError =>
  new MatrixError('M_UNKNOWN_POS', 'The connection has expired: begin a new one, without `pos`')

/** One text for each connection. */
export const nameOf = ({ deviceNid, connId }: ConnectionKey): string => `${deviceNid} ${connId}`

function sizeOf({ states, answer }: Known): number {
  const bytes = states.reduce((sum, { rooms, size }) => sum + rooms.size * BYTES_OF_ROOM + size * 2, 0)
  return 500 + bytes + (answer?.text.length ?? 0) * 2
}
