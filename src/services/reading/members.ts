import { forbidden } from '../../matrix/errors.ts'
import { nameNids } from '../../storage/names.ts'
import { listAfter, listBefore } from '../../storage/rooms/timeline.ts'
import { LongText } from '../../util/long-text.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import { StoredEvent } from '../rooms/stored-event.ts'
import type { Viewer } from '../rooms/view/viewer.ts'
import { earlier, placeOfToken, START } from './places.ts'
import type { Reading } from './reading.ts'
import { placeOf, type RoomView } from './room-access.ts'
import { statePages } from './state-pages.ts'

export interface MembersQuery {
  /** The members as they were at this token. */
  readonly at?: string | undefined
  readonly membership?: string | undefined
  readonly notMembership?: string | undefined
}

/** The member events of a room, as JSON text (spec: GET /rooms/{roomId}/members). */
export async function listMembers(
  reading: Reading,
  viewer: Viewer,
  roomId: string,
  { at, membership, notMembership }: MembersQuery,
): Promise<LongText> {
  const view = await reading.access.whole(roomId, viewer)
  const stateNid = at === undefined ? view.leaving?.row.state_nid : await stateAt(reading, view, viewer, at)
  // Together the two mean "either … or" (spec).
  const isWanted = ({ membership: is }: StoredEvent) =>
    (membership === undefined && notMembership === undefined) ||
    is === membership ||
    (notMembership !== undefined && is !== notMembership)
  const texts = new LongText()
  for await (const page of memberPages(reading, view.room, stateNid ?? undefined)) {
    const wanted = await reading.clientEvents.render(view.room, page.filter(isWanted), viewer, { brief: true })
    for (const text of wanted) texts.pushItem(text)
  }
  return new LongText('{"chunk":[', texts, ']}')
}

/** The joined users with their profiles in this room, as JSON text (spec: GET /rooms/{roomId}/joined_members). */
export async function listJoinedMembers(reading: Reading, viewer: Viewer, roomId: string): Promise<LongText> {
  const { room, standing } = await reading.access.whole(roomId, viewer)
  if (standing.membership !== 'join') throw forbidden('You are not in this room')
  const texts = new LongText()
  for await (const page of memberPages(reading, room, undefined)) {
    for (const { membership, stateKey, visible } of page) {
      if (membership !== 'join') continue
      const { displayname, avatar_url } = visible.content
      // Clients, and the tests of other servers, expect both names to be there.
      const profile = {
        display_name: typeof displayname === 'string' ? displayname : null,
        avatar_url: typeof avatar_url === 'string' ? avatar_url : null,
      }
      texts.pushItem(`${JSON.stringify(stateKey)}:${JSON.stringify(profile)}`)
    }
  }
  return new LongText('{"joined":{', texts, '}}')
}

async function* memberPages(
  { db }: Reading,
  room: LiveRoom,
  stateNid: number | undefined,
): AsyncGenerator<StoredEvent[]> {
  const onlyType = (await nameNids(db, ['m.room.member'])).get('m.room.member')
  if (onlyType !== undefined) yield* statePages(db, room, { stateNid, onlyType })
}

/**
 * The state at a token, but never one from after the user left. Where the history hides that time from the user, it is the
 * state that the user may read without a token: a client may hold one from right before its user joined.
 */
async function stateAt(
  { db, visibility }: Reading,
  { room, leaving }: RoomView,
  viewer: Viewer,
  token: string,
): Promise<number | null | undefined> {
  const asked = await placeOfToken(db, room, token)
  const { depth, pos } = leaving ? earlier(asked, placeOf(leaving)) : asked
  const [before] = await listBefore(db, room.nid, { depth, pos: pos + 1 }, 1)
  const event = before && new StoredEvent(before, room.roomId, room.version)
  if (event) {
    const [readable] = await visibility.withReadableState(room, [event], viewer)
    return (readable ?? leaving)?.row.state_nid
  }
  // The `prev_batch` of a timeline that goes back to the creation: the room begins once its creator has joined.
  const first = await listAfter(db, room.nid, START, 2)
  return first.at(-1)?.state_nid ?? null
}
