// biome-ignore-all lint/suspicious/noExplicitAny: answers of many parts
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { roomPath, type User } from '../../support/client.ts'
import { REQUIRED_STATE } from '../../support/element-x.ts'
import { openServer } from '../../support/server.ts'
import { SlidingClient } from '../../support/sliding.ts'

const ROOMS = 3
const DEEDS = ['join', 'leave', 'forget', 'kick', 'ban', 'unban', 'invite', 'name', 'rename', 'talk', 'visit', 'direct']

/** What happens, and how the client looks next: how far its window reaches, which room is open, whether the answer gets lost. */
const deed = fc.record({ room: fc.nat({ max: ROOMS - 1 }), what: fc.constantFrom(...DEEDS) })
const look = fc.record({
  last: fc.nat({ max: ROOMS - 1 }),
  open: fc.option(fc.nat({ max: ROOMS - 1 })),
  isLost: fc.boolean(),
})
const round = fc.record({ deeds: fc.array(deed, { maxLength: 5 }), look })

it('Whatever happens and gets lost, a client of sliding sync ends up with its rooms as they are', {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(round, { minLength: 6, maxLength: 14 }), async (rounds) => {
      const server = await openServer()
      try {
        await run((name) => server.client.register(name), rounds)
      } finally {
        await server.close()
      }
    }),
    { numRuns: 8 },
  )
})

/** What a client has of a room, as matrix-rust-sdk takes it from answers. */
class SeenRoom {
  readonly #me: string
  membership = 'none'
  joined: number | undefined
  isDm = false
  readonly state = new Map<string, any>()
  readonly members = new Map<string, any>()
  timeline: string[] = []

  constructor(me: string) {
    this.#me = me
  }

  take(room: any): void {
    // Behind a gap, members are known no more.
    if (room.limited) for (const id of this.members.keys()) if (id !== this.#me) this.members.delete(id)
    for (const event of room.required_state ?? []) {
      if (event.type === 'm.room.member') this.members.set(event.state_key, event)
      else this.state.set(event.type, event)
    }
    const isOwn = ({ type, state_key }: any) => type === 'm.room.member' && state_key === this.#me
    const own = (room.invite_state ?? room.required_state ?? []).findLast(isOwn)
    this.membership = own?.content.membership ?? 'join'
    if (!room.invite_state) this.#takeTimeline(room)
    this.joined = room.joined_count ?? this.joined
    this.isDm = room.is_dm ?? this.isDm
  }

  #takeTimeline({ timeline = [], limited, initial, unstable_expanded_timeline }: any): void {
    for (const { sender } of timeline) expect([...this.members.keys()]).toContain(sender)
    const ids = timeline.map((event: any) => event.event_id)
    const isAnew = limited || initial || unstable_expanded_timeline
    this.timeline = isAnew ? ids : [...this.timeline, ...ids]
  }
}

async function run(register: (name: string) => Promise<User>, rounds: readonly { deeds: any[]; look: any }[]) {
  const alice = await register('alice')
  const bob = await register('bob')
  const carol = await register('carol')
  const rooms: string[] = []
  for (let i = 0; i < ROOMS; i++) rooms.push(await alice.createRoom({ preset: 'public_chat' }))
  const direct = new Set<string>()
  const seen = new Map<string, SeenRoom>()
  const take = (answer: any): number => {
    for (const [roomId, room] of Object.entries<any>(answer.rooms)) {
      const known = room.initial ? new SeenRoom(bob.userId) : seen.get(roomId)
      if (!known) throw new Error('A room that the client does not know is not told from the beginning')
      seen.set(roomId, known)
      known.take(room)
    }
    return Object.keys(answer.rooms).length
  }
  const sliding = new SlidingClient(bob, questionOf(rooms, { last: ROOMS }))
  take(await sliding.sync())
  let n = 0
  for (const { deeds, look } of rounds) {
    for (const { room, what } of deeds) await act(alice, bob, carol, rooms[room] ?? '', what, ++n, direct)
    Object.assign(sliding.body, questionOf(rooms, look))
    if (look.isLost) await sliding.ask()
    else take(await sliding.sync())
  }
  while (take(await sliding.sync(questionOf(rooms, { last: ROOMS }))) > 0);
  for (const roomId of rooms) await compare(alice, bob, roomId, seen.get(roomId), direct.has(roomId))
}

function questionOf(rooms: readonly string[], { last, open }: { last: number; open?: number | null }) {
  const opened = open === undefined || open === null ? [] : [rooms[open] ?? '']
  const config = { timeline_limit: 20, required_state: [...REQUIRED_STATE, ['m.room.pinned_events', '']] }
  return {
    lists: { all: { ranges: [[0, last]], timeline_limit: 1, required_state: REQUIRED_STATE } },
    room_subscriptions: Object.fromEntries(opened.map((roomId) => [roomId, config])),
  }
}

/** Some of it is refused: who is not in a room cannot leave it. */
async function act(
  alice: User,
  bob: User,
  carol: User,
  roomId: string,
  what: string,
  n: number,
  direct: Set<string>,
): Promise<void> {
  const path = roomPath(roomId)
  const member = (user: User) => `${path}/state/m.room.member/${encodeURIComponent(user.userId)}`
  if (['join', 'leave', 'forget'].includes(what)) await bob.request('POST', `${path}/${what}`, {})
  if (['kick', 'ban', 'unban', 'invite'].includes(what)) {
    await alice.request('POST', `${path}/${what}`, { user_id: bob.userId })
  }
  if (what === 'name') await alice.sendState(roomId, 'm.room.name', { name: n % 3 > 0 ? `Name ${n}` : '' })
  if (what === 'rename') await bob.request('PUT', member(bob), { membership: 'join', displayname: `Bob ${n}` })
  if (what === 'talk') for (let i = 0; i < n % 4; i++) await alice.send(roomId, `${n}.${i}`)
  if (what === 'visit') {
    await carol.join(roomId)
    await carol.send(roomId, `${n}`)
    await carol.request('PUT', member(carol), { membership: 'join', displayname: `Carol ${n}` })
    if (n % 2 > 0) await carol.leave(roomId)
  }
  if (what === 'direct') {
    if (!direct.delete(roomId)) direct.add(roomId)
    const path = `/v3/user/${encodeURIComponent(bob.userId)}/account_data/m.direct`
    await bob.put(path, { [alice.userId]: [...direct] })
  }
}

async function compare(alice: User, bob: User, roomId: string, seen: SeenRoom | undefined, isDirect: boolean) {
  const path = roomPath(roomId)
  const state = await alice.get(`${path}/state`)
  const current = (type: string, key = '') => state.find((event: any) => event.type === type && event.state_key === key)
  const membership = current('m.room.member', bob.userId)?.content.membership ?? 'none'
  if (membership !== 'join') {
    // Of a room that was left nothing is told any more, also not of a ban that is forgotten at once.
    if (seen && ['leave', 'ban'].includes(membership)) expect(['leave', 'ban']).toContain(seen.membership)
    else if (seen || membership === 'invite') expect(seen?.membership).toBe(membership)
    return
  }
  const { chunk } = await bob.get(`${path}/messages?dir=b&limit=500`)
  const events = chunk.map((event: any) => event.event_id).reverse()
  expect(seen).toMatchObject({ membership, isDm: isDirect })
  expect(seen?.joined).toBe(
    state.filter(({ type, content }: any) => type === 'm.room.member' && content.membership === 'join').length,
  )
  expect(seen?.state.get('m.room.name')?.event_id).toBe(current('m.room.name')?.event_id)
  for (const [userId, event] of seen?.members ?? []) {
    expect(event.event_id).toBe(current('m.room.member', userId).event_id)
  }
  expect(seen?.timeline).toEqual(events.slice(events.length - (seen?.timeline.length ?? 0)))
}
