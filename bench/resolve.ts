import { cpus } from 'node:os'
import type { JsonObject } from '../src/matrix/json.ts'
import { authorize } from '../src/room/auth/authorize.ts'
import { authTypesFor } from '../src/room/auth-types.ts'
import type { Pdu } from '../src/room/event.ts'
import type { GraphEvent } from '../src/room/resolve/known.ts'
import { split } from '../src/room/resolve/split.ts'
import { stateKeyOf } from '../src/room/state-key.ts'
import { type RoomVersion, roomVersion } from '../src/room/versions.ts'
import { resolveForks } from '../test/support/resolve-in-memory.ts'

/**
 * Authorisation and state resolution on this machine: `tsx bench/resolve.ts`. Everything is in memory; what a database
 * adds is one query for each round of the resolver, whose number is printed. Bars: a few microseconds for a message,
 * 50 ms for a fork in a room of 10,000 members.
 */
const MEMBERS = 10_000
const ALICE = '@alice:hs1'

type State = Map<string, GraphEvent>

class Room {
  readonly events: GraphEvent[] = []
  readonly version: RoomVersion
  state: State = new Map()

  constructor(version: RoomVersion) {
    this.version = version
    this.add('m.room.create', ALICE, '', { creator: ALICE, room_version: version.id })
    this.add('m.room.member', ALICE, ALICE, { membership: 'join' })
    this.add('m.room.power_levels', ALICE, '', this.levels({}))
    this.add('m.room.join_rules', ALICE, '', { join_rule: 'public' })
    for (let i = 0; i < MEMBERS; i++) this.join(`@user${i}:hs${i % 50}`)
  }

  levels(users: JsonObject): JsonObject {
    return { users: this.version.privilegedCreators ? users : { [ALICE]: 100, ...users } }
  }

  join(userId: string): void {
    this.add('m.room.member', userId, userId, { membership: 'join' })
  }

  make(type: string, sender: string, stateKey: string | undefined, content: JsonObject): GraphEvent {
    const nid = this.events.length
    const pdu: Pdu = {
      type,
      sender,
      room_id: '!room:hs1',
      content,
      depth: nid,
      origin_server_ts: nid,
      prev_events: ['$prev'],
      auth_events: [],
      ...(stateKey !== undefined && { state_key: stateKey }),
    }
    const auth = authTypesFor(pdu, this.version).flatMap((tuple) => this.state.get(stateKeyOf(...tuple)) ?? [])
    pdu.auth_events = auth.map(({ eventId }) => eventId)
    const authRank = 1 + auth.reduce((highest, event) => Math.max(highest, event.authRank), 0)
    return { eventId: `$${nid}`, pdu, nid, authNids: auth.map((event) => event.nid), authRank }
  }

  add(type: string, sender: string, stateKey: string, content: JsonObject): void {
    const event = this.make(type, sender, stateKey, content)
    this.events.push(event)
    this.state.set(stateKeyOf(type, stateKey), event)
  }

  /** The state after something more has happened, none of which the room itself keeps. */
  branch(happen: (room: Room) => void): State {
    const before = this.state
    this.state = new Map(before)
    happen(this)
    const after = this.state
    this.state = before
    return after
  }
}

const print = (line: string) => process.stdout.write(`${line}\n`)
const median = (values: number[]) => values.toSorted((one, other) => one - other)[values.length >> 1] ?? 0

function timeAuthorize(what: string, room: Room, event: GraphEvent): void {
  const lookup = (type: string, key: string) => room.state.get(stateKeyOf(type, key))
  const times: number[] = []
  for (let round = 0; round < 20; round++) {
    const start = performance.now()
    for (let i = 0; i < 20_000; i++) authorize(event, lookup, room.version)
    times.push((performance.now() - start) / 20)
  }
  const micros = median(times)
  print(`authorise ${what}: ${micros.toFixed(2)} µs, ${Math.round(1e6 / micros).toLocaleString('en')}/s`)
}

function timeFork(what: string, room: Room, ...branches: ((room: Room) => void)[]): void {
  const states = branches.map((happen) => room.branch(happen))
  const forks = split(states).map((fork) => fork.map(({ nid }) => nid))
  const conflicted = new Set(forks.flat())
  const unconflicted = new Map([...(states[0] ?? [])].filter(([, { nid }]) => !conflicted.has(nid)))
  const unconflictedNids = new Set([...unconflicted.values()].map(({ nid }) => nid))
  const [create] = room.events
  if (!create) throw new Error('A room begins with its create event')
  const source = { events: room.events, unconflicted, unconflictedNids }
  const times: number[] = []
  let rounds = 0
  let touched = 0
  for (let round = 0; round < 15; round++) {
    rounds = 0
    touched = 0
    const start = performance.now()
    resolveForks({ forks, create }, source, room.version, (need) => {
      rounds++
      touched += 'nids' in need ? need.nids.length : 'keys' in need ? need.keys.length : 0
    })
    times.push(performance.now() - start)
  }
  print(
    `resolve ${what}: median ${median(times).toFixed(2)} ms, worst ${Math.max(...times).toFixed(2)} ms; ` +
      `${conflicted.size} conflicted events, ${rounds} rounds, ${touched} rows`,
  )
}

print(
  `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}; a room of ${MEMBERS.toLocaleString('en')} members`,
)
for (const id of ['1', '11', '12']) {
  const version = roomVersion(id)
  if (!version) throw new Error(`There is no room version ${id}`)
  const room = new Room(version)
  print(`Room version ${id}`)
  timeAuthorize('a message', room, room.make('m.room.message', '@user77:hs27', undefined, { body: 'hello' }))
  timeAuthorize('a join', room, room.make('m.room.member', '@new:hs1', '@new:hs1', { membership: 'join' }))
  const topic = (text: string) => (on: Room) => on.add('m.room.topic', ALICE, '', { topic: text })
  timeFork('two topics', room, topic('left'), topic('right'))
  timeFork(
    'a change of power levels and 1,000 joins on each side',
    room,
    (on) => {
      on.add('m.room.power_levels', ALICE, '', on.levels({ '@user1:hs1': 50 }))
      for (let i = 0; i < 1000; i++) on.join(`@left${i}:hs1`)
    },
    (on) => {
      on.add('m.room.power_levels', ALICE, '', on.levels({ '@user2:hs2': 50 }))
      for (let i = 0; i < 1000; i++) on.join(`@right${i}:hs2`)
    },
  )
  timeFork(
    'a chain of 200 power levels against a ban',
    room,
    (on) => {
      for (let i = 0; i < 200; i++)
        on.add('m.room.power_levels', ALICE, '', on.levels({ [`@user${i}:hs${i % 50}`]: 10 }))
    },
    (on) => on.add('m.room.member', ALICE, '@user3:hs3', { membership: 'ban' }),
  )
}
