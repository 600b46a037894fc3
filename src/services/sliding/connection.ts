import { z } from 'zod'
import { type Clause, NOTHING_REQUIRED, RequiredState } from './required-state.ts'

/** Everything up to the position of the client's token. */
export const LIVE = -1

/** How far a client was told of something: `LIVE`, or up to an earlier position; undefined: nothing yet. */
export type Told = number | undefined

/** What is told of a room: its events and state, the receipts in it, the user's own data about it. */
const STREAMS = ['room', 'receipts', 'accountData'] as const
export type StreamName = (typeof STREAMS)[number]

/** What a client was sent of one room. Entries are never changed, but replaced. */
export interface SentRoom {
  readonly room: Told
  readonly receipts: Told
  readonly accountData: Told
  /** So many of the newest events it certainly has. */
  readonly timelineLimit: number
  /** The state that it has and is kept up to date with; no clause at all: it has what an invite or a knock says. */
  readonly required: RequiredState
  readonly isDm: boolean
}

/** The client has of the room what an invite or a knock says. */
export const isFromOutside = ({ required }: SentRoom): boolean => required.clauses.length === 0

export type SentRooms = ReadonlyMap<number, SentRoom>

/**
 * What the server remembers of a connection: what the client has been sent of each room, by the room's number. It
 * changes seldom: a room of which the client was told everything stays `LIVE` while tokens go on.
 */
export interface ConnectionState {
  /** Part of the tokens that belong to it. */
  readonly id: string
  readonly rooms: SentRooms
}

/** The state that comes after another one, written on a copy that is made at the first change. */
export class StateDraft {
  readonly #before: SentRooms
  #after: Map<number, SentRoom> | undefined

  constructor(before: SentRooms) {
    this.#before = before
  }

  get rooms(): SentRooms {
    return this.#after ?? this.#before
  }

  set(roomNid: number, sent: SentRoom): void {
    const known = this.rooms.get(roomNid)
    if (known && isSame(known, sent)) return
    this.#after ??= new Map(this.#before)
    this.#after.set(roomNid, sent)
  }

  /** Notes how far the client was told of one thing in a room that it knows. */
  tell(roomNid: number, name: StreamName, told: Told): void {
    const known = this.rooms.get(roomNid)
    if (known && known[name] !== told) this.set(roomNid, { ...known, [name]: told })
  }

  delete(roomNid: number): void {
    if (!this.rooms.has(roomNid)) return
    this.#after ??= new Map(this.#before)
    this.#after.delete(roomNid)
  }
}

/** Up to which position the client was told, when its token says `from`. */
export const toldUpTo = (told: Told, from: number): number | undefined => (told === LIVE ? from : told)

const isSame = (a: SentRoom, b: SentRoom): boolean =>
  STREAMS.every((name) => a[name] === b[name]) &&
  a.timelineLimit === b.timelineLimit &&
  a.required.text === b.required.text &&
  a.isDm === b.isDm

/** The state as JSON text: the many rooms name their few kinds of required state by number. */
export function encodeRooms(rooms: SentRooms): string {
  const required = new Map<string, { index: number; clauses: readonly Clause[] }>()
  const rows = [...rooms].map(([roomNid, sent]) => {
    const { text, clauses } = sent.required
    const known = required.get(text) ?? { index: required.size, clauses }
    required.set(text, known)
    const told = STREAMS.map((name) => sent[name] ?? null)
    return [roomNid, ...told, sent.timelineLimit, known.index, sent.isDm ? 1 : 0]
  })
  return JSON.stringify({ required: [...required.values()].map(({ clauses }) => clauses), rooms: rows })
}

const pattern = z.tuple([z.string().nullable(), z.string().nullable()])
const told = z.int().nullable()
const stored = z.object({
  required: z.array(
    z.array(z.object({ include: z.array(pattern), exclude: z.array(pattern), lazyMembers: z.boolean() })),
  ),
  rooms: z.array(z.tuple([z.int(), told, told, told, z.int(), z.int(), z.int()])),
})

/** Reads what `encodeRooms` wrote. */
export function decodeRooms(text: string): SentRooms {
  const { required, rooms } = stored.parse(JSON.parse(text))
  const wanted = required.map((clauses) => new RequiredState(clauses))
  return new Map(
    rooms.map(([roomNid, room, receipts, accountData, timelineLimit, index, isDm]) => [
      roomNid,
      {
        room: room ?? undefined,
        receipts: receipts ?? undefined,
        accountData: accountData ?? undefined,
        timelineLimit,
        required: wanted[index] ?? NOTHING_REQUIRED,
        isDm: isDm === 1,
      },
    ]),
  )
}
