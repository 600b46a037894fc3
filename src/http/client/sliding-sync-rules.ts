import type { UserId } from '../../matrix/ids.ts'
import type {
  ExtensionConfigs,
  ListConfig,
  RoomConfig,
  RoomFilter,
  Scope,
  SlidingRequest,
} from '../../services/sliding/request.ts'
import { type Clause, type Pattern, RequiredState } from '../../services/sliding/required-state.ts'
import type { StableBody, UnstableBody } from './sliding-sync-body.ts'

/** What the bodies of sliding sync ask for, in one form for both. */

const MAX_TO_DEVICE = 100
const MAX_THREAD_SUBSCRIPTIONS = 100

type Element = NonNullable<StableRoom['required_state']['include']>[number]
type Extensions = NonNullable<StableBody['extensions']>
type StableRoom = NonNullable<StableBody['room_subscriptions']>[string]
type UnstableRoom = NonNullable<UnstableBody['room_subscriptions']>[string]
type StableList = NonNullable<StableBody['lists']>[string]
type UnstableList = NonNullable<UnstableBody['lists']>[string]

/** What a client wants to be told of, from now on. */
export type Rules = Pick<SlidingRequest, 'lists' | 'subscriptions' | 'extensions'>

/** Of a request as the proposal was accepted. */
export function stableRules({ lists, room_subscriptions, extensions }: StableBody): Rules {
  const configOf = ({ timeline_limit, required_state }: StableRoom) => ({
    timelineLimit: timeline_limit,
    required: required([
      {
        include: (required_state.include ?? []).map(patternOf),
        exclude: (required_state.exclude ?? []).map(patternOf),
        lazyMembers: required_state.lazy_members ?? false,
      },
    ]),
  })
  const listOf = (list: StableList): ListConfig => ({
    ...configOf(list),
    ranges: list.range ? [list.range] : undefined,
    filter: list.filters ? filterOf(list.filters, list.filters.is_invited, undefined) : undefined,
  })
  return rulesOf(lists ?? {}, listOf, room_subscriptions ?? {}, configOf, extensions)
}

/** Of a request as clients sent it before; `userId`: who `$ME` is. */
export function unstableRules({ lists, room_subscriptions, extensions }: UnstableBody, userId: UserId): Rules {
  const configOf = ({ timeline_limit, required_state }: UnstableRoom) => ({
    timelineLimit: timeline_limit,
    required: required([clauseOf(required_state ?? [], userId)]),
  })
  const listOf = (list: UnstableList): ListConfig => ({
    ...configOf(list),
    ranges: list.slow_get_all_rooms ? undefined : (list.ranges ?? undefined),
    filter: list.filters
      ? filterOf(list.filters, list.filters.is_invite, list.filters.room_name_like ?? undefined)
      : undefined,
  })
  return rulesOf(lists ?? {}, listOf, room_subscriptions ?? {}, configOf, extensions)
}

function rulesOf<List, Room>(
  lists: Record<string, List>,
  listOf: (list: List) => ListConfig,
  rooms: Record<string, Room>,
  configOf: (room: Room) => RoomConfig,
  extensions: StableBody['extensions'],
): Rules {
  return {
    lists: new Map(Object.entries(lists).map(([name, list]) => [name, listOf(list)])),
    subscriptions: new Map(Object.entries(rooms).map(([roomId, room]) => [roomId, configOf(room)])),
    extensions: extensionsOf(extensions ?? {}),
  }
}

const required = (clauses: readonly Clause[]): RequiredState => new RequiredState(clauses)

const patternOf = ({ type, state_key }: Element): Pattern => [type ?? null, state_key ?? null]

/** `*` stands for any, `$ME` for the user, and the members `$LAZY` come along when the timeline needs them. */
function clauseOf(pairs: readonly (readonly [string, string])[], userId: UserId): Clause {
  const isLazy = ([type, key]: readonly [string, string]) => type === 'm.room.member' && key === '$LAZY'
  return {
    include: pairs
      .filter((pair) => !isLazy(pair))
      .map(([type, key]) => [type === '*' ? null : type, key === '*' ? null : key === '$ME' ? userId : key]),
    exclude: [],
    lazyMembers: pairs.some(isLazy),
  }
}

type Filters = NonNullable<StableList['filters']>

const filterOf = (
  filters: Omit<Filters, 'is_invited'>,
  isInvited: boolean | null | undefined,
  nameLike: string | undefined,
): RoomFilter => ({
  isDm: filters.is_dm ?? undefined,
  isEncrypted: filters.is_encrypted ?? undefined,
  isInvited: isInvited ?? undefined,
  spaces: filters.spaces ?? undefined,
  roomTypes: filters.room_types ?? undefined,
  notRoomTypes: filters.not_room_types ?? undefined,
  tags: filters.tags ?? undefined,
  notTags: filters.not_tags ?? undefined,
  nameLike,
})

function extensionsOf(asked: Extensions): ExtensionConfigs {
  const { to_device, e2ee, account_data, receipts, typing } = asked
  const threads = asked['io.element.msc4308.thread_subscriptions']
  return {
    toDevice: to_device?.enabled
      ? {
          limit: Math.min(to_device.limit ?? MAX_TO_DEVICE, MAX_TO_DEVICE),
          since: to_device.since ? Number(to_device.since) : undefined,
        }
      : undefined,
    e2ee: e2ee?.enabled ?? false,
    accountData: scopeOf(account_data),
    receipts: scopeOf(receipts),
    typing: scopeOf(typing),
    threadSubscriptions: threads?.enabled
      ? { limit: Math.min(threads.limit ?? MAX_THREAD_SUBSCRIPTIONS, MAX_THREAD_SUBSCRIPTIONS) }
      : undefined,
    profiles:
      profilesOf('profiles', asked.profiles) ??
      profilesOf('org.matrix.msc4262.profiles', asked['org.matrix.msc4262.profiles']),
  }
}

function profilesOf(name: string, asked: Extensions['profiles']): ExtensionConfigs['profiles'] {
  const wanted = scopeOf(asked)
  return wanted && { name, scope: wanted, fields: asked?.fields ?? undefined }
}

/** All lists and all subscriptions, unless the client names some. */
const scopeOf = (asked: Extensions['typing']): Scope | undefined =>
  asked?.enabled ? { lists: asked.lists ?? ['*'], rooms: asked.rooms ?? ['*'] } : undefined
