import { z } from 'zod'
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

/** The bodies of sliding sync: of MSC4186 as it was accepted, and in the form that clients were written for before. */

const MAX_RULES = 100
const MAX_PATTERNS = 200
const MAX_NAMES = 100
const MAX_RANGES = 20
/** More than anybody shows at once; `/messages` has the rest. */
const MAX_TIMELINE_LIMIT = 200
const MAX_LIST_NAME = 64
const MAX_TO_DEVICE = 100
const MAX_THREAD_SUBSCRIPTIONS = 100

const text = z.string().max(255)
const names = z.array(text).max(MAX_NAMES)
const types = z.array(text.nullable()).max(MAX_NAMES)
const timelineLimit = z
  .int()
  .nonnegative()
  .transform((limit) => Math.min(limit, MAX_TIMELINE_LIMIT))
const range = z.tuple([z.int().nonnegative(), z.int().nonnegative()])

const filter = {
  is_dm: z.boolean().nullish(),
  spaces: names.nullish(),
  is_encrypted: z.boolean().nullish(),
  room_types: types.nullish(),
  not_room_types: types.nullish(),
  tags: names.nullish(),
  not_tags: names.nullish(),
}
const scope = z.object({ enabled: z.boolean().nullish(), lists: names.nullish(), rooms: names.nullish() })
const profiles = scope.extend({ fields: names.nullish() })
const extensions = z
  .object({
    to_device: z
      .object({
        enabled: z.boolean().nullish(),
        limit: z.int().positive().nullish(),
        since: z
          .string()
          .regex(/^\d{1,15}$/, 'Not a token of this server')
          .nullish(),
      })
      .nullish(),
    e2ee: z.object({ enabled: z.boolean().nullish() }).nullish(),
    account_data: scope.nullish(),
    receipts: scope.nullish(),
    typing: scope.nullish(),
    'io.element.msc4308.thread_subscriptions': z
      .object({ enabled: z.boolean().nullish(), limit: z.int().positive().nullish() })
      .nullish(),
    profiles: profiles.nullish(),
    'org.matrix.msc4262.profiles': profiles.nullish(),
  })
  .nullish()

const top = {
  conn_id: text.nullish(),
  pos: text.nullish(),
  timeout: z.int().nonnegative().nullish(),
  set_presence: text.nullish(),
  extensions,
}

const element = z.object({ type: text.nullish(), state_key: text.nullish() })
const stableRoom = {
  timeline_limit: timelineLimit,
  required_state: z.object({
    include: z.array(element).max(MAX_PATTERNS).nullish(),
    exclude: z.array(element).max(MAX_PATTERNS).nullish(),
    lazy_members: z.boolean().nullish(),
  }),
}
const unstableRoom = {
  timeline_limit: timelineLimit,
  required_state: z.array(z.tuple([text, text])).max(MAX_PATTERNS),
}
const listName = z.string().max(MAX_LIST_NAME)

/** `POST /v4/sync` (MSC4186). */
export const stableBody = z.object({
  ...top,
  lists: z
    .record(
      listName,
      z.object({
        ...stableRoom,
        range: range.nullish(),
        filters: z.object({ ...filter, is_invited: z.boolean().nullish() }).nullish(),
      }),
    )
    .nullish(),
  room_subscriptions: z.record(text, z.object(stableRoom)).nullish(),
})

/** The same as Element X and other clients send it, before it was accepted. */
export const unstableBody = z.object({
  ...top,
  lists: z
    .record(
      listName,
      z.object({
        ...unstableRoom,
        ranges: z.array(range).max(MAX_RANGES).nullish(),
        slow_get_all_rooms: z.boolean().nullish(),
        filters: z.object({ ...filter, is_invite: z.boolean().nullish(), room_name_like: text.nullish() }).nullish(),
      }),
    )
    .nullish(),
  room_subscriptions: z.record(text, z.object(unstableRoom)).nullish(),
  extensions: extensions,
})

type StableBody = z.infer<typeof stableBody>
type UnstableBody = z.infer<typeof unstableBody>

export const hasTooManyRules = ({ lists, room_subscriptions }: StableBody | UnstableBody): boolean =>
  Object.keys(lists ?? {}).length > MAX_RULES || Object.keys(room_subscriptions ?? {}).length > MAX_RULES

export type Rules = Pick<SlidingRequest, 'lists' | 'subscriptions' | 'extensions'>

export function stableRules({ lists, room_subscriptions, extensions }: StableBody): Rules {
  const configOf = ({ timeline_limit, required_state }: NonNullable<StableBody['room_subscriptions']>[string]) => ({
    timelineLimit: timeline_limit,
    required: required([
      {
        include: (required_state.include ?? []).map(patternOf),
        exclude: (required_state.exclude ?? []).map(patternOf),
        lazyMembers: required_state.lazy_members ?? false,
      },
    ]),
  })
  const listOf = (list: NonNullable<StableBody['lists']>[string]): ListConfig => ({
    ...configOf(list),
    ranges: list.range ? [list.range] : undefined,
    filter: list.filters ? filterOf(list.filters, list.filters.is_invited, undefined) : undefined,
  })
  return rulesOf(lists ?? {}, listOf, room_subscriptions ?? {}, configOf, extensions)
}

/** `userId`: who `$ME` is. */
export function unstableRules({ lists, room_subscriptions, extensions }: UnstableBody, userId: UserId): Rules {
  const configOf = ({ timeline_limit, required_state }: NonNullable<UnstableBody['room_subscriptions']>[string]) => ({
    timelineLimit: timeline_limit,
    required: required([clauseOf(required_state, userId)]),
  })
  const listOf = (list: NonNullable<UnstableBody['lists']>[string]): ListConfig => ({
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

const patternOf = ({ type, state_key }: z.infer<typeof element>): Pattern => [type ?? null, state_key ?? null]

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

type Filters = NonNullable<NonNullable<StableBody['lists']>[string]['filters']>

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

function extensionsOf(asked: NonNullable<StableBody['extensions']>): ExtensionConfigs {
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

function profilesOf(name: string, asked: z.infer<typeof profiles> | null | undefined): ExtensionConfigs['profiles'] {
  const wanted = scopeOf(asked)
  return wanted && { name, scope: wanted, fields: asked?.fields ?? undefined }
}

/** All lists and all subscriptions, unless the client names some. */
const scopeOf = (asked: z.infer<typeof scope> | null | undefined): Scope | undefined =>
  asked?.enabled ? { lists: asked.lists ?? ['*'], rooms: asked.rooms ?? ['*'] } : undefined
