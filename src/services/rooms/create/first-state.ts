import { invalidParam, MatrixError } from '../../../matrix/errors.ts'
import { isUserId, type RoomAlias, type UserId } from '../../../matrix/ids.ts'
import type { JsonObject } from '../../../matrix/json.ts'
import type { RoomVersion } from '../../../room/versions.ts'
import { aliasesNamed } from '../directory/canonical-alias.ts'
import type { Draft } from '../draft.ts'
import type { MemberProfile } from '../membership/member-profile.ts'
import { checkEncryption, type EncryptionPolicy, forcedEncryption } from './encryption.ts'
import { initialPowerLevels } from './initial-power-levels.ts'

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
  readonly encryption: EncryptionPolicy
  random(bytes: number): Uint8Array
  profileOf(userId: UserId): Promise<MemberProfile>
}

const PRESETS = {
  private_chat: { joinRule: 'invite', historyVisibility: 'shared', guestAccess: 'can_join' },
  trusted_private_chat: { joinRule: 'invite', historyVisibility: 'shared', guestAccess: 'can_join' },
  public_chat: { joinRule: 'public', historyVisibility: 'shared', guestAccess: 'forbidden' },
} as const

/**
 * The state that a room starts with, in the order that the specification gives it: what every room has, then what the
 * preset says unless `initial_state` says it, then the rest of that, then name and topic. Throws for what no client may set.
 */
export async function firstState(
  deps: Deps,
  version: RoomVersion,
  creator: UserId,
  invitees: readonly UserId[],
  input: CreateRoomInput,
): Promise<Draft[]> {
  const { alias, topic, initial_state: initialState = [] } = input
  const preset: Preset = input.preset ?? (input.visibility === 'public' ? 'public_chat' : 'private_chat')
  const { joinRule, historyVisibility, guestAccess } = PRESETS[preset]
  const trusted = preset === 'trusted_private_chat' ? invitees : []
  const name = input.name?.normalize('NFC')
  const drafts: Draft[] = []
  const state = (type: string, content: JsonObject, stateKey = '') =>
    drafts.push({ type, sender: creator, stateKey, content })
  const isGiven = (type: string) => initialState.some((event) => event.type === type && (event.state_key ?? '') === '')

  state('m.room.create', createContent(version, creator, trusted, input.creation_content ?? {}, deps.random))
  state('m.room.member', { ...(await deps.profileOf(creator)), membership: 'join' }, creator)
  state('m.room.power_levels', {
    ...initialPowerLevels(version, creator, trusted),
    // Everybody can join as it is; who may invite may let others past a restricted join rule later.
    ...(preset === 'public_chat' && { invite: 50 }),
    ...input.power_level_content_override,
  })
  if (alias !== undefined) state('m.room.canonical_alias', { alias })
  if (!isGiven('m.room.join_rules')) state('m.room.join_rules', { join_rule: joinRule })
  if (!isGiven('m.room.history_visibility')) {
    state('m.room.history_visibility', { history_visibility: historyVisibility })
  }
  // Without the event guests are kept out.
  if (!isGiven('m.room.guest_access') && guestAccess === 'can_join') {
    state('m.room.guest_access', { guest_access: guestAccess })
  }
  const isPublic = preset === 'public_chat'
  const encryption = forcedEncryption(deps.encryption, { isPublic, type: input.creation_content?.type })
  if (encryption && !isGiven(encryption.type)) state(encryption.type, encryption.content)
  for (const { type, content, state_key: stateKey = '' } of initialState) {
    checkEncryption(deps.encryption, type)
    const isOverridden =
      stateKey === '' &&
      ((type === 'm.room.name' && name !== undefined) || (type === 'm.room.topic' && topic !== undefined))
    if (isOverridden) continue
    if (type === 'm.room.canonical_alias') refuseForeignAliases(content, alias)
    state(type, content, stateKey)
  }
  if (name !== undefined) state('m.room.name', { name })
  if (topic !== undefined) state('m.room.topic', { topic, 'm.topic': { 'm.text': [{ body: topic }] } })
  return drafts
}

/** Content of the create event; `creator` and `room_version` are never the client's. */
export function createContent(
  version: RoomVersion,
  creator: UserId,
  trusted: readonly UserId[],
  given: JsonObject,
  random: (bytes: number) => Uint8Array,
): JsonObject {
  const content: JsonObject = { ...given, room_version: version.id }
  delete content.creator
  if (!version.implicitCreator) content.creator = creator
  if (version.privilegedCreators) {
    const named = content.additional_creators ?? []
    if (!Array.isArray(named) || !named.every((id): id is UserId => typeof id === 'string' && isUserId(id))) {
      throw invalidParam('additional_creators must be a list of user ids')
    }
    const all = [...new Set([...named, ...trusted])].filter((id) => id !== creator)
    delete content.additional_creators
    if (all.length > 0) content.additional_creators = all
  }
  // The room id is this event's hash: two rooms made alike in one millisecond must not be one.
  if (version.createHashRoomId) content['org.bongsu.entropy'] = Buffer.from(random(12)).toString('base64url')
  return content
}

/** Only the alias that the room takes as it is made leads to it yet. */
function refuseForeignAliases(content: JsonObject, own: RoomAlias | undefined): void {
  for (const alias of aliasesNamed(content)) {
    if (alias !== own) throw new MatrixError('M_BAD_ALIAS', 'This alias does not lead to the room')
  }
}
