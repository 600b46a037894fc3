import { isObject } from '../../matrix/json.ts'
import type { Awaitable } from '../../util/awaitable.ts'
import { LongText } from '../../util/long-text.ts'
import { Turn } from '../../util/turn.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import type { StoredEvent } from '../rooms/stored-event.ts'
import type { ClientEvents } from '../rooms/view/client-events.ts'
import { filterable } from './event-filter.ts'
import type { SyncContext } from './request.ts'

/** Timeline events as JSON texts, in the format that the filter asks for. */
export async function timelineTexts(
  clientEvents: ClientEvents,
  room: LiveRoom,
  events: readonly StoredEvent[],
  { viewer, filter }: SyncContext,
  withRelations: boolean,
): Promise<string[]> {
  const texts = filter.federationFormat
    ? events.map((event) => JSON.stringify(event.visible))
    : await clientEvents.render(room, events, viewer, { withRoomId: false, withRelations })
  return texts.map((text) => fieldsOf(text, filter.eventFields))
}

/**
 * The state events that the filter admits as JSON texts, separated by commas. What they replaced is no news to who is given
 * the state.
 */
export const stateTexts = (events: readonly StoredEvent[], context: SyncContext): Awaitable<LongText> =>
  events.length === 0 ? new LongText() : composeState(events, context)

async function composeState(events: readonly StoredEvent[], { filter, now }: SyncContext): Promise<LongText> {
  const texts = new LongText()
  const turn = new Turn()
  for (const event of events) {
    if (turn.isOver) await turn.give()
    if (!filter.state.isOpen && !filter.state.admits(filterable(event))) continue
    const text = filter.federationFormat
      ? JSON.stringify(event.visible)
      : `${event.clientText},"unsigned":{"age":${now - event.row.ts}}}`
    texts.pushItem(fieldsOf(text, filter.eventFields))
  }
  return texts
}

const fieldsOf = (text: string, fields: readonly string[][] | undefined): string =>
  fields ? JSON.stringify(pick(JSON.parse(text), fields)) : text

/**
 * The object with these fields alone (spec: client-server API, Filtering, event_fields). Each path is looked at once: a
 * thousand of them, compared with each of an event's six thousand fields, took 50 ms an event.
 */
function pick(value: unknown, paths: readonly string[][], depth = 0): unknown {
  if (!isObject(value)) return value
  const byName = Map.groupBy(paths, (path) => path[depth])
  const picked: Record<string, unknown> = Object.create(null)
  for (const [name, inside] of Object.entries(value)) {
    const wanted = byName.get(name)
    if (!wanted) continue
    if (wanted.some((path) => path.length === depth + 1)) picked[name] = inside
    else if (isObject(inside)) picked[name] = pick(inside, wanted, depth + 1)
  }
  return picked
}
