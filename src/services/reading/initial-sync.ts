import type { UserId } from '../../matrix/ids.ts'
import { eventsByNid } from '../../storage/rooms/events.ts'
import { listRoomsOfUser } from '../../storage/rooms/memberships.ts'
import { findRoomByNid } from '../../storage/rooms/rooms.ts'
import { LongText } from '../../util/long-text.ts'
import { Turn } from '../../util/turn.ts'
import { StoredEvent } from '../rooms/stored-event.ts'
import type { Viewer } from '../rooms/view/viewer.ts'
import { syncToken, tokenAfter } from '../tokens.ts'
import { END, START } from './places.ts'
import type { Reading } from './reading.ts'
import { placeOf, type RoomView } from './room-access.ts'
import { stateTexts } from './room-state.ts'
import { scan } from './scan.ts'

/** What a user keeps about a room (0: about none), as account data. */
export type AccountDataOf = (userNid: number, roomNid: number) => Promise<{ type: string; content: string }[]>

export interface InitialSyncDeps {
  readonly reading: Reading
  readonly stream: { readonly current: number }
  readonly accountDataOf: AccountDataOf
  /** Whether an invite is not shown to the user. */
  hidesInvite(invitee: UserId, sender: UserId | undefined): Promise<boolean>
}

export interface InitialSyncQuery {
  /** Events of each room. */
  readonly limit: number
  /** Rooms that the user has left, too. */
  readonly archived: boolean
}

const MAX_LIMIT = 100
const GLOBAL = 0

/** Everything about the user's rooms, as JSON text (spec: GET /initialSync, deprecated: `/sync` took its place). */
export async function initialSync(deps: InitialSyncDeps, viewer: Viewer, query: InitialSyncQuery): Promise<LongText> {
  const { reading, stream } = deps
  const shown = new Set(query.archived ? ['join', 'invite', 'leave', 'ban'] : ['join', 'invite'])
  const end = syncToken(stream.current, 0)
  const turn = new Turn()
  const rooms = new LongText()
  for (const row of await listRoomsOfUser(reading.db, viewer.userNid)) {
    if (!shown.has(row.membership) || row.forgotten === 1) continue
    if (row.membership === 'invite' && (await deps.hidesInvite(viewer.userId, row.sender_id))) continue
    if (turn.isOver) await turn.give()
    const view = row.membership === 'invite' ? undefined : await reading.access.find(row.room_id, viewer)
    if (view) rooms.pushItem(await roomText(deps, view, viewer, query.limit))
    else if (row.membership === 'invite') rooms.pushItem(await inviteText(deps, row, viewer))
  }
  const accountData = accountDataTexts(await deps.accountDataOf(viewer.userNid, GLOBAL))
  const start = `{"end":${JSON.stringify(end)},"presence":[],"account_data":[${accountData}],"rooms":[`
  return new LongText(start, rooms, ']}')
}

/** The same for one room, also for who only looks in (spec: GET /rooms/{roomId}/initialSync). */
export async function roomInitialSync(deps: InitialSyncDeps, viewer: Viewer, roomId: string): Promise<LongText> {
  const view = await deps.reading.access.view(roomId, viewer)
  return roomText(deps, view, viewer, DEFAULT_LIMIT)
}

export const DEFAULT_LIMIT = 10

async function roomText(deps: InitialSyncDeps, view: RoomView, viewer: Viewer, limit: number): Promise<LongText> {
  const { reading, stream } = deps
  const { room, standing, end } = view
  const position = stream.current
  const { events } = await scan(reading, room, viewer, {
    direction: 'b',
    from: end ?? END,
    to: START,
    limit: Math.max(0, Math.min(limit, MAX_LIMIT)),
    filter: {},
  })
  const oldest = events.at(-1)
  const start = oldest && placeOf(oldest)
  const chunk = await reading.clientEvents.render(room, events.reverse(), viewer, { withRelations: false })
  const state = await stateTexts(reading, view, viewer)
  const row = await findRoomByNid(reading.db, room.nid)
  const accountData = accountDataTexts(await deps.accountDataOf(viewer.userNid, room.nid))
  return new LongText(
    `{"room_id":${JSON.stringify(room.roomId)}`,
    standing.membership === undefined ? '' : `,"membership":${JSON.stringify(standing.membership)}`,
    `,"messages":{"end":${JSON.stringify(syncToken(position, 0))}`,
    start ? `,"start":${JSON.stringify(tokenAfter({ depth: start.depth, pos: start.pos - 1 }))}` : '',
    `,"chunk":[${chunk.join(',')}]}`,
    ',"state":[',
    state,
    ']',
    `,"visibility":${row?.is_public === 1 ? '"public"' : '"private"'}`,
    `,"account_data":[${accountData}]}`,
  )
}

async function inviteText(
  { reading }: InitialSyncDeps,
  { room_id, event_nid }: { room_id: string; event_nid: number },
  viewer: Viewer,
): Promise<string> {
  const room = await reading.access.room(room_id)
  const [row] = await eventsByNid(reading.db, [event_nid])
  const events = room && row ? [new StoredEvent(row, room.roomId, room.version)] : []
  const [invite] = room ? await reading.clientEvents.render(room, events, viewer, { brief: true }) : []
  const text = invite === undefined ? '' : `,"invite":${invite}`
  return `{"room_id":${JSON.stringify(room_id)},"membership":"invite"${text}}`
}

const accountDataTexts = (rows: readonly { type: string; content: string }[]): string =>
  rows.map(({ type, content }) => `{"type":${JSON.stringify(type)},"content":${content}}`).join(',')
