import { badJson, forbidden, invalidParam, MatrixError } from '../../matrix/errors.ts'
import { isUserId, type RoomAlias, type RoomId, serverOf, type UserId } from '../../matrix/ids.ts'
import type { JsonObject } from '../../matrix/json.ts'
import { type RoomVersion, roomVersion } from '../../room/versions.ts'
import type { Tx } from '../../storage/db.ts'
import type { Append } from './append.ts'
import type { Draft } from './draft.ts'
import { initialPowerLevels } from './initial-power-levels.ts'
import type { MemberProfile } from './membership.ts'

export type Preset = 'private_chat' | 'public_chat' | 'trusted_private_chat'

/** The body of createRoom (spec: client-server API, POST /createRoom), parsed. */
export interface CreateRoomInput {
  preset?: Preset | undefined
  visibility?: 'public' | 'private' | undefined
  room_version?: string | undefined
  creation_content?: JsonObject | undefined
  initial_state?: { type: string; state_key?: string | undefined; content: JsonObject }[] | undefined
  power_level_content_override?: JsonObject | undefined
  name?: string | undefined
  topic?: string | undefined
  invite?: string[] | undefined
  is_direct?: boolean | undefined
  /** The whole alias, made from room_alias_name. */
  alias?: RoomAlias | undefined
}

interface Deps {
  append: Append
  serverName: string
  defaultVersion: string
  random(bytes: number): Uint8Array
  profileOf(userId: UserId): Promise<MemberProfile>
  refusesInvite(invitee: UserId, sender: UserId): Promise<boolean>
  /** Takes the alias in the transaction of the room; throws `M_ROOM_IN_USE`. */
  insertAlias(tx: Tx, alias: RoomAlias, roomId: RoomId, creator: UserId): Promise<void>
  /** Publishes the room in the directory. */
  publish(tx: Tx, roomNid: number): Promise<void>
}

const PRESETS = {
  private_chat: { joinRule: 'invite', historyVisibility: 'shared', guestAccess: 'can_join' },
  trusted_private_chat: { joinRule: 'invite', historyVisibility: 'shared', guestAccess: 'can_join' },
  public_chat: { joinRule: 'public', historyVisibility: 'shared', guestAccess: 'forbidden' },
} as const

/** Makes a room: all its first events in one transaction, in the order that the specification gives them. */
export async function createRoom(deps: Deps, creator: UserId, input: CreateRoomInput): Promise<RoomId> {
  const { append, serverName } = deps
  const version = roomVersion(input.room_version ?? deps.defaultVersion)
  if (!version) throw new MatrixError('M_UNSUPPORTED_ROOM_VERSION', 'This room version is not supported')
  const invitees = checkedInvitees(input.invite ?? [], serverName)
  const preset: Preset = input.preset ?? (input.visibility === 'public' ? 'public_chat' : 'private_chat')
  const trusted = preset === 'trusted_private_chat' ? invitees : []

  const drafts: Draft[] = []
  const state = (type: string, content: JsonObject, stateKey = '') =>
    drafts.push({ type, sender: creator, stateKey, content })
  state(
    'm.room.create',
    createContent(version, creator, trusted, input, Buffer.from(deps.random(12)).toString('base64url')),
  )
  state('m.room.member', { ...(await deps.profileOf(creator)), membership: 'join' }, creator)
  state('m.room.power_levels', {
    ...initialPowerLevels(version, creator, trusted),
    ...input.power_level_content_override,
  })
  if (input.alias) state('m.room.canonical_alias', { alias: input.alias })
  const initial = new Set((input.initial_state ?? []).map((event) => `${event.type}\u0000${event.state_key ?? ''}`))
  const unlessGiven = (type: string, content: JsonObject) => {
    if (!initial.has(`${type}\u0000`)) state(type, content)
  }
  unlessGiven('m.room.join_rules', { join_rule: PRESETS[preset].joinRule })
  unlessGiven('m.room.history_visibility', { history_visibility: PRESETS[preset].historyVisibility })
  unlessGiven('m.room.guest_access', { guest_access: PRESETS[preset].guestAccess })
  for (const event of input.initial_state ?? []) state(event.type, event.content, event.state_key ?? '')
  if (input.name !== undefined) state('m.room.name', { name: input.name })
  if (input.topic !== undefined) {
    state('m.room.topic', { topic: input.topic, 'm.topic': { 'm.text': [{ body: input.topic }] } })
  }
  for (const invitee of invitees) {
    if (await deps.refusesInvite(invitee, creator)) continue
    const content: JsonObject = { ...(await deps.profileOf(invitee)), membership: 'invite' }
    if (input.is_direct) content.is_direct = true
    state('m.room.member', content, invitee)
  }

  const chosenId: RoomId = `!${Buffer.from(deps.random(18)).toString('base64url')}:${serverName}`
  return append.createRoom(version, chosenId, drafts, async (tx, room) => {
    if (input.alias) await deps.insertAlias(tx, input.alias, room.roomId, creator)
    if (input.visibility === 'public') await deps.publish(tx, room.nid)
  })
}

function createContent(
  version: RoomVersion,
  creator: UserId,
  trusted: readonly UserId[],
  { creation_content = {} }: CreateRoomInput,
  entropy: string,
): JsonObject {
  const content: JsonObject = { ...creation_content, room_version: version.id }
  if (!version.implicitCreator) content.creator = creator
  if (version.privilegedCreators) {
    const named = content.additional_creators ?? []
    if (!Array.isArray(named) || !named.every((id) => typeof id === 'string' && isUserId(id))) {
      throw invalidParam('additional_creators must be a list of user ids')
    }
    const all = [...new Set([...(named as string[]), ...trusted])].filter((id) => id !== creator)
    if (all.length > 0) content.additional_creators = all
    else delete content.additional_creators
  }
  // The room id is this event's hash: two rooms made alike in one millisecond must not be one.
  if (version.createHashRoomId) content['org.bongsu.entropy'] = entropy
  return content
}

function checkedInvitees(invite: readonly string[], serverName: string): UserId[] {
  const invitees = new Set<UserId>()
  for (const id of invite) {
    if (!isUserId(id)) throw badJson('An invited user id is malformed')
    if (serverOf(id) !== serverName) throw forbidden('This server does not federate: only local users can be invited')
    invitees.add(id)
  }
  return [...invitees]
}
