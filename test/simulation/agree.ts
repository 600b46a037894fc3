import { EVENT_KIND } from '../../src/storage/rooms/events.ts'
import { roomPath } from '../support/client.ts'
import { joinVia } from '../support/federated.ts'
import type { Nation, Person, Site } from './nation.ts'
import type { Recorded } from './records.ts'
import { quiet } from './settle.ts'

/** Rounds after which servers that still differ will always do. */
const MAX_ROUNDS = 4

/** Servers that have come to differ. */
export class Divergence extends Error {
  override readonly name = 'Divergence'
}

/**
 * Has the servers of a room come together, and compares what they know of it; all links are up and all queues empty.
 * Throws `Divergence`. Gives how many users had to join anew, because servers had thrown each other out.
 */
export async function agree(nation: Nation, roomId: string): Promise<number> {
  let rejoined = 0
  for (let round = 0; round < MAX_ROUNDS; round++) {
    // Once: who joined through different servers at the same time hears of each other. Twice: what they then differ in.
    await takeTurns(nation, roomId)
    await takeTurns(nation, roomId)
    const returned = await reunite(nation, roomId)
    rejoined += returned
    if (returned === 0 && haveOneEnd(residents(nation, roomId), roomId)) break
  }
  const sites = residents(nation, roomId)
  for (const site of sites) await compareViews(nation, site, roomId)
  compareStates(sites, roomId)
  compareEvents(nation, sites, roomId)
  return rejoined
}

/** The servers that see themselves in a room. */
function residents(nation: Nation, roomId: string): Site[] {
  return nation.sites.filter((site) => memberOf(nation, site, roomId) !== undefined)
}

/** Somebody of the server who is in the room, as far as it knows. */
function memberOf(nation: Nation, site: Site, roomId: string): Person | undefined {
  const joined = new Set(site.records.joined(roomId))
  return nation.people.find((person) => person.site === site && joined.has(person.userId))
}

/**
 * A server that takes itself for out of the room hears no more of it, nor is it heard where it is taken for out: where
 * two come to think differently of that, no protocol brings them together again. People do, by joining anew.
 */
async function reunite(nation: Nation, roomId: string): Promise<number> {
  let rejoined = 0
  for (const home of nation.sites) {
    const people = nation.people.filter(({ site }) => site === home)
    const others = residents(nation, roomId).filter((site) => site !== home)
    for (const person of people) {
      for (const other of others) if (disagree(person, other, roomId)) compareMemberships(nation, person, other, roomId)
    }
    const strangers = others.filter((other) => people.some((person) => disagree(person, other, roomId)))
    if (strangers.length === 0) continue
    // All of them: as long as one stays, the server goes on with what it has.
    for (const { client } of people) await nation.attempt(() => client.post(`${roomPath(roomId)}/leave`))
    await quiet(nation)
    const via = strangers.map(({ name }) => name)
    for (const { client } of people) await nation.attempt(() => joinVia(client, roomId, ...via))
    await quiet(nation)
    rejoined += people.length
  }
  return rejoined
}

/** Whether another server sees a person in the room, and the person's own does not, or the other way round. */
const disagree = ({ site, userId }: Person, other: Site, roomId: string): boolean =>
  site.records.joined(roomId).includes(userId) !== other.records.joined(roomId).includes(userId)

/**
 * What they think may differ, but not what they know: one tells the other of it that it sees in the room, and that was in it
 * all the while. A server that left and came back was told of nothing meanwhile, and what reached it then from others, who had
 * not heard that it left, it did not take. A server whose last user was thrown out says nothing any more that would follow
 * that: of this only the one that did it tells.
 */
function compareMemberships(nation: Nation, { site: home, userId }: Person, other: Site, roomId: string): void {
  const place = `m.room.member|${userId}`
  for (const [one, two] of [
    [home, other],
    [other, home],
  ] as const) {
    if (!stays(two, one, roomId)) continue
    const event = one.records.events(roomId).get(one.records.state(roomId).get(place) ?? '')
    if (event === undefined || event.pos <= one.records.lastOutside(roomId, two.name)) continue
    // Time passes between steps only: what is of one instant may have come in any order.
    if (event.ts <= two.records.lastEntry(roomId, two.name)) continue
    if (!speaks(nation, one, roomId) && !isToldBySender(nation, event, two, roomId)) continue
    if (!two.records.events(roomId).has(event.eventId)) {
      throw new Divergence(`${roomId}: ${two.name} never heard of ${event.eventId} that ${one.name} has as ${place}`)
    }
  }
}

/** Whether what a server says there is followed by all that it has. */
const speaks = (nation: Nation, site: Site, roomId: string): boolean => memberOf(nation, site, roomId) !== undefined

/**
 * Whether the server of an event's sender saw another one in the room then, and so had to tell it. Nobody else has to (spec:
 * server-server API, PDUs: the originating server delivers an event).
 */
function isToldBySender(nation: Nation, { eventId, sender }: Recorded, to: Site, roomId: string): boolean {
  const site = nation.sites.find(({ name }) => sender.endsWith(`:${name}`))
  const sent = site?.records.events(roomId).get(eventId)
  return site !== undefined && sent !== undefined && site.records.wasInside(roomId, to.name, sent.pos)
}

/** Whether somebody of a server is in the room by the same membership as another server has it. */
const stays = ({ name, records }: Site, other: Site, roomId: string): boolean =>
  records.joined(roomId).some((userId) => {
    const place = `m.room.member|${userId}`
    return (
      userId.endsWith(`:${name}`) &&
      other.records.joined(roomId).includes(userId) &&
      other.records.state(roomId).get(place) === records.state(roomId).get(place)
    )
  })

/** Each server in turn says something: it follows all that the server has, and so the forks of the room end. */
async function takeTurns(nation: Nation, roomId: string): Promise<void> {
  for (const site of nation.sites) {
    const person = memberOf(nation, site, roomId)
    if (!person) continue
    await nation.say(person, roomId)
    await quiet(nation)
  }
}

const haveOneEnd = (sites: readonly Site[], roomId: string): boolean =>
  new Set(sites.flatMap(({ records }) => records.extremities(roomId))).size <= 1

/** What a user reads is what the server has, each event once. Reading to the beginning fetches what is not here yet. */
async function compareViews(nation: Nation, site: Site, roomId: string): Promise<void> {
  const person = memberOf(nation, site, roomId)
  if (!person) return
  const read: { event_id: string; type: string; content: { body?: string } }[] = []
  for (let from = ''; ; ) {
    const page = await person.client.get(`${roomPath(roomId)}/messages?dir=b&limit=50${from && `&from=${from}`}`)
    read.push(...page.chunk)
    if (page.end === undefined) break
    from = page.end
  }
  const where = `${roomId} on ${site.name}`
  const twice = doubles(read.map((event) => event.event_id))
  if (twice.length > 0) throw new Divergence(`${where}: read twice: ${twice}`)
  const saidTwice = doubles(read.flatMap(({ content }) => content.body ?? []))
  if (saidTwice.length > 0) throw new Divergence(`${where}: said twice: ${saidTwice}`)
  const shown = new Set(read.map((event) => event.event_id))
  const hidden = [...site.records.events(roomId).values()].filter(
    ({ eventId, kind }) => kind === EVENT_KIND.timeline && !shown.has(eventId),
  )
  if (hidden.length > 0) throw new Divergence(`${where}: not shown to ${person.userId}: ${describe(hidden)}`)
  const damage = site.records.damage()
  if (damage.length > 0) throw new Divergence(`${site.name}: ${damage}`)
}

function compareStates(sites: readonly Site[], roomId: string): void {
  const [first, ...others] = sites
  if (!first) return
  const expected = first.records.state(roomId)
  for (const other of others) {
    const found = other.records.state(roomId)
    const places = new Set([...expected.keys(), ...found.keys()])
    const differing = [...places].filter((place) => expected.get(place) !== found.get(place))
    if (differing.length === 0) continue
    const lines = differing.map((place) => `${place}: ${expected.get(place)} and ${found.get(place)}`)
    throw new Divergence(`${roomId}: the states of ${first.name} and ${other.name} differ\n${lines.join('\n')}`)
  }
}

function compareEvents(nation: Nation, sites: readonly Site[], roomId: string): void {
  const known = new Map(sites.map((site) => [site, site.records.events(roomId)]))
  const ends = new Set(sites.flatMap(({ records }) => records.extremities(roomId)))
  if (sites.length > 0 && ends.size !== 1) {
    const lines = [...known].map(([{ name, records }, events]) => {
      const described = (ids: Iterable<string>) => describe([...ids].flatMap((id) => events.get(id) ?? []))
      return `${name} ends in ${described(records.extremities(roomId))}, and knows ${described(ends)}`
    })
    throw new Divergence(`${roomId} ends in ${ends.size} events: ${lines.join('; ')}`)
  }
  const agreed = history(ends, [...known.values()])
  for (const [site, events] of known) {
    const missing = [...agreed.values()].filter(({ eventId }) => !events.get(eventId)?.isPlaced)
    if (missing.length > 0) throw new Divergence(`${roomId}: ${site.name} lacks ${describe(missing)}`)
  }
  for (const { eventId, site, roomId: where } of nation.acknowledged) {
    if (where !== roomId) continue
    const event = site.records.events(roomId).get(eventId)
    if (event?.kind !== EVENT_KIND.timeline) throw new Divergence(`${roomId}: ${site.name} lost its own ${eventId}`)
    const isContinuous = event.pos > site.records.lastOutside(roomId, site.name)
    if (sites.includes(site) && isContinuous && !agreed.has(eventId)) {
      throw new Divergence(`${roomId}: what ${site.name} acknowledged is not in the room: ${eventId}`)
    }
  }
}

/** All events that the ends of a room follow, that one of the servers has in its place, and that nobody rejected. */
function history(ends: Iterable<string>, known: readonly ReadonlyMap<string, Recorded>[]): Map<string, Recorded> {
  const found = new Map<string, Recorded>()
  const visited = new Set<string>()
  const next = [...ends]
  for (let id = next.pop(); id !== undefined; id = next.pop()) {
    if (visited.has(id)) continue
    visited.add(id)
    const copies = known.flatMap((events) => events.get(id) ?? [])
    const event = copies.find(({ isPlaced }) => isPlaced)
    if (!event) continue
    next.push(...event.previous)
    if (copies.every(({ kind }) => kind !== EVENT_KIND.rejected)) found.set(id, event)
  }
  return found
}

function doubles(values: readonly string[]): string[] {
  const seen = new Set<string>()
  return values.filter((value) => seen.size === seen.add(value).size)
}

const describe = (events: readonly Recorded[]): string =>
  events.map(({ eventId, type, kind }) => `${eventId} (${type}, kind ${kind})`).join(', ')
