import { placeOfKey } from '../../../room/state-key.ts'
import type { Db } from '../../../storage/db.ts'
import { diffStates, loadState } from '../../../storage/state/state.ts'
import type { StateEdit } from '../entry.ts'
import type { StoredEvent } from '../stored-event.ts'
import type { StateTuple } from './current-state.ts'
import { type Differences, Resolution, type ResolveDeps } from './resolution.ts'
import { editedView, keyOf, loadEvents, type StateView, storedView, ViewReader } from './state-view.ts'

/**
 * The state in which views are resolved into one (spec: rooms/, State resolution). Reads what differs, and of the auth
 * graph what `resolve` asks for, never a whole state unless it must.
 */
export async function resolveViews(deps: ResolveDeps, all: readonly StateView[]): Promise<StateView> {
  const views = [...new Map(all.map((view) => [view.identity, view])).values()]
  const [first, ...others] = views
  if (!first) throw new Error('There is nothing to resolve')
  if (others.length === 0) return first
  const differences = await differencesOf(deps, views)
  if (differences.size === 0) return first
  const resolved = await new Resolution(deps, views, differences).run()
  const edits: StateEdit[] = []
  for (const [key, values] of differences) {
    const event = resolved.get(key)
    if (event?.eventId !== values[0]?.eventId) edits.push({ event, replaces: values[0] })
    resolved.delete(key)
  }
  // At keys that no fork has.
  for (const event of resolved.values()) edits.push({ event, replaces: undefined })
  return editedView(first, edits)
}

/** How one state becomes another. */
export async function editsBetween(deps: ResolveDeps, before: StateView, after: StateView): Promise<StateEdit[]> {
  if (before.identity === after.identity) return []
  const differences = await differencesOf(deps, [before, after])
  return [...differences.values()].map(([replaces, event]) => ({ replaces, event }))
}

async function differencesOf({ db, room }: ResolveDeps, views: readonly StateView[]): Promise<Differences> {
  const [first] = views as [StateView]
  const reader = new ViewReader(db, room)
  // First between the stored states: what each has where it differs from the first one's.
  const nids = new Map<string, { first: number | undefined; own: Map<number, number | undefined> }>()
  for (const [index, view] of views.entries()) {
    for (const change of await diffBases(db, first.base, view.base)) {
      const place = `${change.typeNid} ${change.keyNid}`
      const known = nids.get(place) ?? { first: change.before, own: new Map() }
      known.own.set(index, change.after)
      nids.set(place, known)
    }
  }
  const wanted = [...nids.values()].flatMap(({ first: one, own }) => [one, ...own.values()])
  const events = await loadEvents(db, [...new Set(wanted.filter((nid) => nid !== undefined))], room)
  const eventOf = (nid: number | undefined) => (nid === undefined ? undefined : events.get(nid))
  const found = new Map<string, (StoredEvent | undefined)[]>()
  for (const { first: one, own } of nids.values()) {
    const values = views.map((_, index) => eventOf(own.has(index) ? own.get(index) : one))
    const place = values.find((event) => event !== undefined)
    if (place) found.set(keyOf(place), values)
  }
  // Then what lies over them.
  const over = new Set(views.flatMap((view) => [...view.overlay.keys()].filter((key) => !found.has(key))))
  const places = [...over].map(placeOfKey)
  const below = await reader.lookup(storedView(first.base), places)
  for (const [index, key] of [...over].entries()) {
    const event = below(...(places[index] as StateTuple))
    found.set(
      key,
      views.map(() => event),
    )
  }
  for (const [key, values] of found) {
    const own = values.map((below, index) => {
      const value = views[index]?.overlay.get(key)
      return value === undefined ? below : (value ?? undefined)
    })
    if (own.every((event) => event?.eventId === own[0]?.eventId)) found.delete(key)
    else found.set(key, own)
  }
  return found
}

async function diffBases(db: Db, before: number | undefined, after: number | undefined) {
  if (before === after) return []
  if (before !== undefined && after !== undefined) return diffStates(db, before, after)
  const entries = await loadState(db, (before ?? after) as number)
  return entries.map(({ eventNid, ...place }) => ({
    ...place,
    before: before === undefined ? undefined : eventNid,
    after: after === undefined ? undefined : eventNid,
  }))
}
