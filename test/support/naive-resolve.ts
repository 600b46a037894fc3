import { authorize } from '../../src/room/auth/authorize.ts'
import type { RoomEvent } from '../../src/room/event.ts'
import { PowerLevels } from '../../src/room/power-levels.ts'
import { stateKeyOf } from '../../src/room/state-key.ts'
import type { BuiltEvent, RoomBuilder, State } from './room-builder.ts'

/**
 * State resolution v2 and v2.1 word for word from the specification, over whole states and whole auth chains: slow, and
 * made in another way than the one that is tested. Where the specification leaves a choice, it chooses like that one
 * (see NOTSPEC in room/resolve/, and that a state counts as part of its own auth chain).
 */
export function resolveNaively(room: RoomBuilder, states: readonly State[]): State {
  const { version, createEvent: create } = room
  const authOf = ({ authNids }: BuiltEvent) => authNids.flatMap((nid) => room.events[nid] ?? [])
  const chainOf = (event: BuiltEvent): Set<BuiltEvent> =>
    new Set([event, ...authOf(event).flatMap((a) => [...chainOf(a)])])
  const isV21 = version.stateRes === 'v2.1'
  const keyOf = ({ pdu }: BuiltEvent) => stateKeyOf(pdu.type, pdu.state_key ?? '')

  const keys = new Set(states.flatMap((state) => [...state.keys()]))
  const unconflicted = new Map<string, BuiltEvent>()
  const conflicted = new Set<BuiltEvent>()
  for (const key of keys) {
    const values = states.map((state) => state.get(key))
    const [first] = values
    if (first && values.every((value) => value === first)) unconflicted.set(key, first)
    else for (const value of values) if (value) conflicted.add(value)
  }
  const chains = states.map((state) => new Set([...state.values()].flatMap((event) => [...chainOf(event)])))
  const full = room.events.filter((event) => {
    const isInDifference = chains.some((chain) => chain.has(event)) && !chains.every((chain) => chain.has(event))
    const isInSubgraph =
      [...conflicted].some((top) => chainOf(top).has(event)) &&
      [...chainOf(event)].some((bottom) => conflicted.has(bottom))
    return conflicted.has(event) || isInDifference || (isV21 && isInSubgraph)
  })

  const isPower = ({ pdu: { type, content, sender, state_key: key } }: RoomEvent) =>
    ['m.room.power_levels', 'm.room.join_rules'].includes(type) ||
    (type === 'm.room.member' && ['leave', 'ban'].includes(String(content.membership)) && sender !== key)
  const picked = new Set<BuiltEvent>()
  const pick = (event: BuiltEvent): void => {
    picked.add(event)
    for (const auth of authOf(event)) if (full.includes(auth)) pick(auth)
  }
  for (const event of full) if (isPower(event)) pick(event)

  const levelsOf = (event: BuiltEvent) => authOf(event).find(({ pdu }) => pdu.type === 'm.room.power_levels')
  const levelOf = (event: BuiltEvent) =>
    Number(new PowerLevels(create, levelsOf(event), version).userLevel(event.pdu.sender))
  const byTime = (x: BuiltEvent, y: BuiltEvent) =>
    x.pdu.origin_server_ts - y.pdu.origin_server_ts || (x.eventId < y.eventId ? -1 : 1)
  const byPower = (x: BuiltEvent, y: BuiltEvent) =>
    levelOf(x) === levelOf(y) ? byTime(x, y) : levelOf(x) > levelOf(y) ? -1 : 1
  const first: BuiltEvent[] = []
  while (first.length < picked.size) {
    const ready = [...picked].filter(
      (event) => !first.includes(event) && authOf(event).every((auth) => !picked.has(auth) || first.includes(auth)),
    )
    first.push(...ready.sort(byPower).slice(0, 1))
  }

  const state = new Map(isV21 ? [] : unconflicted)
  const iterate = (events: BuiltEvent[]) => {
    for (const event of events) {
      const own = new Map(authOf(event).flatMap((auth) => (auth.rejected ? [] : [[keyOf(auth), auth] as const])))
      const lookup = (type: string, key: string) => {
        const held = state.get(stateKeyOf(type, key))
        return (
          (held?.rejected ? undefined : held) ??
          own.get(stateKeyOf(type, key)) ??
          (type === 'm.room.create' ? create : undefined)
        )
      }
      if (!event.rejected && authorize(event, lookup, version) === undefined) state.set(keyOf(event), event)
    }
  }
  iterate(first)

  const lineFrom = (start: BuiltEvent | undefined): BuiltEvent[] => (start ? [start, ...lineFrom(levelsOf(start))] : [])
  const mainline = lineFrom(state.get(stateKeyOf('m.room.power_levels', '')))
  const positionOf = (event: BuiltEvent) => {
    const met = lineFrom(levelsOf(event)).find((levels) => mainline.includes(levels))
    return met ? mainline.indexOf(met) : mainline.length
  }
  const rest = full.filter((event) => !picked.has(event))
  iterate(rest.sort((x, y) => positionOf(y) - positionOf(x) || byTime(x, y)))
  return new Map([...state, ...unconflicted])
}
