import type { UserId } from '../../../matrix/ids.ts'
import { isObject, type JsonObject } from '../../../matrix/json.ts'
import type { RoomVersion } from '../../../room/versions.ts'
import type { Db } from '../../../storage/db.ts'
import { nameNids } from '../../../storage/names.ts'
import { listCurrentStateOfType } from '../../../storage/rooms/current-state.ts'
import type { Draft } from '../draft.ts'
import type { LiveRoom } from '../live-room.ts'
import type { MemberProfile } from '../membership/member-profile.ts'
import { StoredEvent } from '../stored-event.ts'
import { createContent } from './first-state.ts'
import { successorLevels } from './successor-levels.ts'

/** State with an empty state key that moves to a room's successor (spec: client-server API, Room upgrades). */
const TRANSFERRED = [
  'm.room.server_acl',
  'm.room.encryption',
  'm.room.name',
  'm.room.avatar',
  'm.room.topic',
  'm.room.guest_access',
  'm.room.history_visibility',
  'm.room.canonical_alias',
] as const
const OTHERS = ['m.room.create', 'm.room.join_rules', 'm.room.power_levels'] as const

/** Links between rooms and spaces, by the id of the other room. */
const LINKS = ['m.space.child', 'm.space.parent'] as const

interface Options {
  additionalCreators: string[]
  profile: MemberProfile
  bans: readonly Draft[]
  random(bytes: number): Uint8Array
}

/** The first events of the room that replaces `old`. The power levels come last: until then its creator may do all. */
export async function successorState(
  db: Db,
  old: LiveRoom,
  version: RoomVersion,
  sender: UserId,
  { additionalCreators, profile, bans, random }: Options,
): Promise<Draft[]> {
  const lookup = await old.loadState([...TRANSFERRED, ...OTHERS].map((type) => [type, ''] as const))
  const contentOf = (type: string) => lookup(type, '')?.visible.content
  const state = (type: string, content: JsonObject, stateKey = ''): Draft => ({ type, sender, stateKey, content })
  const create = createContent(
    version,
    sender,
    [],
    {
      ...predecessor(old, version, contentOf('m.room.create')),
      // The field has no meaning in other versions.
      ...(version.privilegedCreators && { additional_creators: additionalCreators }),
    },
    random,
  )
  const drafts = [state('m.room.create', create), state('m.room.member', { ...profile, membership: 'join' }, sender)]
  for (const type of TRANSFERRED) {
    const content = contentOf(type)
    if (content) drafts.push(state(type, content))
  }
  drafts.push(state('m.room.join_rules', joinRules(contentOf('m.room.join_rules'), version)))
  for (const link of await links(db, old)) drafts.push(state(link.type, link.visible.content, link.stateKey))
  drafts.push(...bans)
  const levels = contentOf('m.room.power_levels')
  const creators = [sender, ...(version.privilegedCreators ? additionalCreators : [])]
  drafts.push(
    state('m.room.power_levels', successorLevels(await old.powerLevels(), levels, old.version, version, creators)),
  )
  return drafts
}

function predecessor(old: LiveRoom, version: RoomVersion, create: JsonObject = {}): JsonObject {
  const last = old.extremities.at(-1)
  return {
    ...(create.type !== undefined && { type: create.type }),
    ...(create['m.federate'] !== undefined && { 'm.federate': create['m.federate'] }),
    predecessor: {
      room_id: old.roomId,
      ...(!version.createHashRoomId && last && { event_id: last.eventId }),
    },
  }
}

/** A rule that the version does not know would let nobody in, not even who is invited. */
function joinRules(content: JsonObject | undefined, version: RoomVersion): JsonObject {
  const rule = content?.join_rule
  const isKnown =
    rule === 'public' ||
    (rule === 'knock' && version.knock) ||
    (rule === 'restricted' && version.restricted) ||
    (rule === 'knock_restricted' && version.knockRestricted)
  return content && isKnown ? content : { join_rule: 'invite' }
}

/** The links that stand: one with an empty content was taken back. */
async function links(db: Db, { nid, roomId, version }: LiveRoom): Promise<StoredEvent[]> {
  const found: StoredEvent[] = []
  for (const typeNid of (await nameNids(db, LINKS)).values()) {
    for (const row of await listCurrentStateOfType(db, nid, typeNid)) {
      const event = new StoredEvent(row, roomId, version)
      const { content } = event.visible
      if (isObject(content) && Object.keys(content).length > 0) found.push(event)
    }
  }
  return found
}
