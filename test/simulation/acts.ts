import fc from 'fast-check'
import { roomPath } from '../support/client.ts'
import { joinVia } from '../support/federated.ts'
import type { Nation, Person } from './nation.ts'

/** What a user does. Numbers pick from those that there are. */
export type Act = { readonly who: number; readonly room: number } & (
  | { readonly does: 'create'; readonly version: string }
  | { readonly does: 'join' | 'leave' | 'say' }
  | { readonly does: 'invite' | 'kick' | 'ban' | 'unban'; readonly whom: number }
  | { readonly does: 'redact'; readonly pick: number }
  | { readonly does: 'raise'; readonly whom: number; readonly level: number }
  | { readonly does: 'topic' | 'note'; readonly text: number }
  | { readonly does: 'open'; readonly rule: string }
)

export const VERSIONS = ['12', '11', '10', '6', '3']
const MAX_ROOMS = 2

const place = { who: fc.nat(11), room: fc.nat(MAX_ROOMS - 1) }
const whom = fc.nat(11)
const act = <D extends string, T extends object>(does: D, more: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record({ does: fc.constant(does), ...place, ...more })

/** Any act; what says something more often than what ends something. */
export const anyAct: fc.Arbitrary<Act> = fc.oneof(
  { weight: 8, arbitrary: act('say', {}) },
  { weight: 4, arbitrary: act('topic', { text: fc.nat(99) }) },
  { weight: 4, arbitrary: act('note', { text: fc.nat(99) }) },
  { weight: 8, arbitrary: act('join', {}) },
  { weight: 3, arbitrary: act('raise', { whom, level: fc.constantFrom(0, 50, 100) }) },
  { weight: 2, arbitrary: act('redact', { pick: fc.nat(999) }) },
  { weight: 2, arbitrary: act('invite', { whom }) },
  { weight: 2, arbitrary: act('kick', { whom }) },
  { weight: 1, arbitrary: act('leave', {}) },
  { weight: 1, arbitrary: act('ban', { whom }) },
  { weight: 1, arbitrary: act('unban', { whom }) },
  { weight: 1, arbitrary: act('open', { rule: fc.constantFrom('public', 'invite', 'knock') }) },
  { weight: 1, arbitrary: act('create', { version: fc.constantFrom(...VERSIONS) }) },
) as fc.Arbitrary<Act>

/** Has a user do something; it may be refused. */
export async function perform(nation: Nation, act: Act): Promise<void> {
  const person = pick(nation.people, act.who)
  if (act.does === 'create') {
    if (nation.rooms.length < MAX_ROOMS) await create(nation, person, act.version)
    return
  }
  const roomId = pick(nation.rooms, act.room)
  const { client } = person
  const path = roomPath(roomId)
  const state = (type: string, content: object, stateKey = '') =>
    client.put(`${path}/state/${type}/${encodeURIComponent(stateKey)}`, content)
  const acknowledge = async (work: () => Promise<unknown>) =>
    nation.acknowledge(person, roomId, await nation.attempt(work))
  switch (act.does) {
    case 'say':
      return nation.say(person, roomId)
    case 'join':
      return acknowledge(() => joinVia(client, roomId, ...nation.sites.map(({ name }) => name)))
    case 'leave':
      return acknowledge(() => client.post(`${path}/leave`))
    case 'topic':
      return acknowledge(() => state('m.room.topic', { topic: `${act.text}` }))
    case 'note':
      return acknowledge(() => state('org.example.note', { text: act.text }, `${act.text % 5}`))
    case 'open':
      return acknowledge(() => state('m.room.join_rules', { join_rule: act.rule }))
    case 'raise':
      return acknowledge(() => raise(person, roomId, pick(nation.people, act.whom), act.level))
    case 'redact': {
      const target = pick(nation.acknowledged, act.pick)
      return acknowledge(() => client.put(`${path}/redact/${target.eventId}/r${act.pick}`))
    }
    default: {
      const { userId } = pick(nation.people, act.whom)
      return acknowledge(() => client.post(`${path}/${act.does}`, { user_id: userId }))
    }
  }
}

/** A room that everybody may enter, in which everybody may do most things. */
export async function create(nation: Nation, person: Person, version: string): Promise<string | undefined> {
  const created = await nation.attempt(() =>
    person.client.post('/v3/createRoom', {
      preset: 'public_chat',
      room_version: version,
      power_level_content_override: { events: { 'm.room.power_levels': 50 }, state_default: 0, invite: 0 },
    }),
  )
  if (created) nation.rooms.push(created.room_id)
  return created?.room_id
}

/** Gives a user power, as a client does it: reads the levels and writes them anew. */
export async function raise({ client }: Person, roomId: string, { userId }: Person, level: number): Promise<unknown> {
  const path = `${roomPath(roomId)}/state/m.room.power_levels/`
  const levels = await client.get(path)
  return client.put(path, { ...levels, users: { ...levels.users, [userId]: level } })
}

export function pick<T>(from: readonly T[], index: number): T {
  const found = from[index % from.length]
  if (found === undefined) throw new Error('There is nothing to pick from')
  return found
}
