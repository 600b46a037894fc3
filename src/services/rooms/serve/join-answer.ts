import type { EventSigner } from '../../../room/signing.ts'
import type { Db } from '../../../storage/db.ts'
import { nameNids } from '../../../storage/names.ts'
import { eventsByNid, findEvent } from '../../../storage/rooms/events.ts'
import { chunks } from '../../../util/chunks.ts'
import { LongText } from '../../../util/long-text.ts'
import { Turn } from '../../../util/turn.ts'
import type { LiveRoom } from '../live-room.ts'
import type { Incoming } from '../receive/incoming.ts'
import { StoredEvent } from '../stored-event.ts'
import { authChainOf } from './auth-chain.ts'
import { pduTexts } from './event-texts.ts'
import { stateBefore } from './state-at.ts'

/** A room and who was in it before a join. */
export interface JoinedRoom {
  readonly room: LiveRoom
  readonly servers: readonly string[]
}

const EVENTS_AT_ONCE = 200

/**
 * What a server is told that has joined a room, as JSON text (spec: sendJoinV2): the state before the join and what it
 * rests on. `omitMembers`: without members but those that a client shows at once.
 */
export async function joinAnswer(
  db: Db,
  signer: EventSigner,
  { room, servers }: JoinedRoom,
  { eventId, json }: Incoming,
  omitMembers: boolean,
): Promise<LongText> {
  const row = await findEvent(db, eventId)
  const join = row && new StoredEvent(row, room.roomId, room.version)
  const all = (join && (await stateBefore(db, room, join))) ?? []
  const state = omitMembers ? await withoutMembers(db, room, all) : all
  const chain = await authChainOf(db, [...state, ...(join ? [join.nid] : [])])
  const inState = new Set(state)
  // What stands in the state need not be said twice.
  const authChain = omitMembers ? chain.filter((nid) => !inState.has(nid)) : chain
  return new LongText(
    `{"origin":${JSON.stringify(signer.serverName)},"event":${json},"members_omitted":${omitMembers}`,
    omitMembers ? `,"servers_in_room":${JSON.stringify(servers)}` : '',
    ',"state":[',
    await pduTexts(db, room, state, signer),
    '],"auth_chain":[',
    await pduTexts(db, room, authChain, signer),
    ']}',
  )
}

async function withoutMembers(db: Db, room: LiveRoom, nids: readonly number[]): Promise<number[]> {
  const memberNid = (await nameNids(db, ['m.room.member'])).get('m.room.member')
  const shown = new Set(await heroNids(room))
  const kept: number[] = []
  const turn = new Turn()
  for (const part of chunks(nids, EVENTS_AT_ONCE)) {
    for (const row of await eventsByNid(db, part)) {
      if (row.type_nid !== memberNid || shown.has(row.nid)) kept.push(row.nid)
    }
    if (turn.isOver) await turn.give()
  }
  return kept
}

/** The members after whom a room without a name is called. */
async function heroNids(room: LiveRoom): Promise<number[]> {
  const isNamed = (await room.stateEvent('m.room.name', '')) ?? (await room.stateEvent('m.room.canonical_alias', ''))
  if (isNamed) return []
  const heroes = (await room.heroes()).map((userId) => ['m.room.member', userId] as const)
  const lookup = await room.loadState(heroes)
  return heroes.flatMap(([type, userId]) => lookup(type, userId)?.nid ?? [])
}
