import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/matrix/json.ts'
import { authorize } from '../../src/room/auth/authorize.ts'
import type { Pdu, RoomEvent, StateLookup, Verdict } from '../../src/room/event.ts'
import { stateKeyOf } from '../../src/room/state-key.ts'
import { type RoomVersion, roomVersion, stableVersionIds } from '../../src/room/versions.ts'

export const ALL = stableVersionIds()
export const since = (version: number): string[] => ALL.filter((id) => Number(id) >= version)
export const until = (version: number): string[] => ALL.filter((id) => Number(id) <= version)

export const CREATE_ID = '$create:a'

/**
 * A room on server `a` that `@alice:a` has made. Unless told otherwise she, `@mod:a` (50) and `@bob:b` (0) are in it,
 * inviting needs 10, kicking 40, banning 50, redacting 50, and only the invited may join.
 */
export interface World {
  create?: JsonObject
  members?: Record<string, string>
  joinRule?: unknown
  /** `null`: there is no such event. */
  levels?: JsonObject | null
  /** Further state. */
  more?: Partial<Pdu>[]
}

export const LEVELS: JsonObject = { invite: 10, kick: 40, ban: 50, redact: 50, users: { '@mod:a': 50 } }
const MEMBERS = { '@alice:a': 'join', '@mod:a': 'join', '@bob:b': 'join' }

export const versionOf = (id: string): RoomVersion => {
  const version = roomVersion(id)
  if (!version) throw new Error(`There is no room version ${id}`)
  return version
}

export const eventOf = (pdu: Partial<Pdu>, eventId = '$event:b'): RoomEvent => ({
  eventId,
  pdu: {
    type: 'm.room.message',
    sender: '@bob:b',
    room_id: '!room:a',
    content: {},
    prev_events: ['$prev:a'],
    auth_events: [],
    depth: 9,
    origin_server_ts: 1,
    ...pdu,
  },
})

/** The creator's 100 stands in the power levels where the version allows it. */
const levelsOf = (levels: JsonObject, { privilegedCreators }: RoomVersion): JsonObject =>
  privilegedCreators ? levels : { ...levels, users: { '@alice:a': 100, ...(levels.users as JsonObject | undefined) } }

export function stateOf(world: World, version: RoomVersion): StateLookup {
  const { create = {}, members = {}, joinRule = 'invite', levels = LEVELS, more = [] } = world
  const alice = { sender: '@alice:a', state_key: '' }
  const events = [
    eventOf({ ...alice, type: 'm.room.create', content: { creator: '@alice:a', ...create } }, CREATE_ID),
    eventOf({ ...alice, type: 'm.room.join_rules', content: { join_rule: joinRule as string } }),
    ...Object.entries({ ...MEMBERS, ...members }).map(([userId, membership]) =>
      eventOf({ type: 'm.room.member', sender: userId, state_key: userId, content: { membership } }),
    ),
    ...more.map((pdu) => eventOf({ state_key: '', ...pdu })),
  ]
  if (levels) events.push(eventOf({ ...alice, type: 'm.room.power_levels', content: levelsOf(levels, version) }))
  const state = new Map(events.map((event) => [stateKeyOf(event.pdu.type, event.pdu.state_key ?? ''), event]))
  return (type, stateKey) => state.get(stateKeyOf(type, stateKey))
}

export const verdictOn = (event: RoomEvent, world: World, versionId: string): Verdict => {
  const version = versionOf(versionId)
  return authorize(event, stateOf(world, version), version)
}

export interface Rule {
  /** Its number in version 12, or with the versions that have it. */
  rule: string
  says: string
  event: Partial<Pdu>
  world?: World
  /** Why it is refused; nothing if it is allowed in all versions. */
  refused?: string
  /** The versions that allow it all the same; all others refuse. */
  allowedIn?: string[]
}

/** Asks each rule in every version. */
export function describeRules(title: string, rules: readonly Rule[]): void {
  describe(title, () => {
    it.each(rules)(
      'rule $rule: $says',
      ({ event, world = {}, refused, allowedIn = refused === undefined ? ALL : [] }) => {
        const verdicts = Object.fromEntries(ALL.map((id) => [id, verdictOn(eventOf(event), world, id)]))
        const expected = ALL.map((id) => [id, allowedIn.includes(id) ? undefined : refused])
        expect(verdicts).toEqual(Object.fromEntries(expected))
      },
    )
  })
}

/** A member event about a user, by themselves unless somebody else sends it. */
export const member = (
  target: string,
  membership: unknown,
  sender = target,
  content: JsonObject = {},
): Partial<Pdu> => ({
  type: 'm.room.member',
  sender,
  state_key: target,
  content: { membership: membership as string, ...content },
})
