import { isObject } from '../../matrix/json.ts'
import { LongText } from '../../util/long-text.ts'
import { eventsAround } from '../reading/context.ts'
import { sendersOf } from '../reading/lazy-members.ts'
import type { Reading } from '../reading/reading.ts'
import { stateTexts } from '../reading/room-state.ts'
import type { StoredEvent } from '../rooms/stored-event.ts'
import type { Viewer } from '../rooms/view/viewer.ts'
import type { SearchCursor } from './search-cursor.ts'
import type { ContextRequest, SearchInput } from './search-input.ts'
import type { VisibleHit } from './visible-hits.ts'

export interface SearchFindings {
  readonly found: readonly VisibleHit[]
  readonly count: number
  readonly highlights: readonly string[]
  /** The token that goes on behind these, in one group only if it is named; undefined: there is nothing more. */
  readonly next: ((group: SearchCursor['group']) => string) | undefined
}

/** The answer to a search as JSON text. */
export async function searchAnswer(
  reading: Reading,
  viewer: Viewer,
  input: SearchInput,
  { found, count, highlights, next }: SearchFindings,
): Promise<LongText> {
  const results: string[] = []
  for (const hit of found) results.push(await resultText(reading, viewer, input, hit))
  const parts = new LongText(`"count":${count}`)
  parts.pushItem(`"highlights":${JSON.stringify(highlights)}`)
  parts.pushItem(`"results":[${results.join(',')}]`)
  if (input.groupBy.length > 0) {
    const groups = input.groupBy.map((key) => `"${key}":${JSON.stringify(groupsOf(key, found, next))}`)
    parts.pushItem(`"groups":{${groups.join(',')}}`)
  }
  if (input.includeState) parts.pushItem(new LongText('"state":{', await states(reading, viewer, found), '}'))
  if (next) parts.pushItem(`"next_batch":${JSON.stringify(next(undefined))}`)
  return new LongText('{"search_categories":{"room_events":{', parts, '}}}')
}

/** `rank` is the share of the text that was looked for: closer is higher. */
async function resultText(
  reading: Reading,
  viewer: Viewer,
  { context }: SearchInput,
  { hit, event, room }: VisibleHit,
): Promise<string> {
  const text = await reading.clientEvents.renderOne(room, event, viewer)
  const around = context ? `,"context":${await contextText(reading, viewer, context, event, room)}` : ''
  return `{"rank":${1 / Math.max(hit.length, 1)},"result":${text}${around}}`
}

async function contextText(
  reading: Reading,
  viewer: Viewer,
  { before, after, includeProfile }: ContextRequest,
  event: StoredEvent,
  room: VisibleHit['room'],
): Promise<string> {
  const view = await reading.access.find(room.roomId, viewer)
  const around = await eventsAround(reading, room, view?.end, viewer, event, { before, after, filter: {} })
  const texts = await reading.clientEvents.render(room, [...around.before, ...around.after], viewer)
  const first = around.before.length
  const profiles = includeProfile
    ? `,"profile_info":${JSON.stringify(await profilesOf(reading, viewer, [...around.before, event, ...around.after], event, room))}`
    : ''
  return (
    `{"start":${JSON.stringify(around.start)},"end":${JSON.stringify(around.end)}` +
    `,"events_before":[${texts.slice(0, first).join(',')}],"events_after":[${texts.slice(first).join(',')}]${profiles}}`
  )
}

/** The names and pictures of the senders, as they were at the event. */
async function profilesOf(
  reading: Reading,
  viewer: Viewer,
  events: readonly StoredEvent[],
  at: StoredEvent,
  room: VisibleHit['room'],
): Promise<Record<string, unknown>> {
  const found = await sendersOf(reading, room, events, at)
  const members = await reading.visibility.stateWithoutErased(room, found, viewer)
  return Object.fromEntries(
    members.map((member) => {
      const { content } = member.visible
      const { displayname, avatar_url } = isObject(content) ? content : {}
      return [
        member.stateKey,
        {
          ...(typeof displayname === 'string' && { displayname }),
          ...(typeof avatar_url === 'string' && { avatar_url }),
        },
      ]
    }),
  )
}

interface Group {
  order: number
  results: string[]
  next_batch?: string
}

/** Each group comes by its best hit, and goes on where the page does. */
function groupsOf(
  key: SearchInput['groupBy'][number],
  found: readonly VisibleHit[],
  next: SearchFindings['next'],
): Record<string, Group> {
  const groups = new Map<string, Group>()
  for (const { event, room } of found) {
    const name = key === 'room_id' ? room.roomId : event.pdu.sender
    let group = groups.get(name)
    if (!group) {
      const nid = key === 'room_id' ? room.nid : event.row.sender_nid
      group = { order: groups.size + 1, results: [], ...(next && { next_batch: next({ by: key, nid }) }) }
      groups.set(name, group)
    }
    group.results.push(event.eventId)
  }
  return Object.fromEntries(groups)
}

async function states(reading: Reading, viewer: Viewer, found: readonly VisibleHit[]): Promise<LongText> {
  const texts = new LongText()
  for (const roomId of new Set(found.map(({ room }) => room.roomId))) {
    const view = await reading.access.find(roomId, viewer)
    if (!view) continue
    texts.pushItem(new LongText(`${JSON.stringify(roomId)}:[`, await stateTexts(reading, view, viewer), ']'))
  }
  return texts
}
