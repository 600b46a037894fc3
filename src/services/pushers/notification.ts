import { isObject, type Json, type JsonObject } from '../../matrix/json.ts'
import type { ServedPusher } from '../../storage/push/push-queue.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import type { StoredEvent } from '../rooms/stored-event.ts'

/** What a gateway is told of an event and of the count of unread notifications (spec: POST /_matrix/push/v1/notify). */
export async function eventNotification(
  pusher: ServedPusher,
  room: LiveRoom,
  event: StoredEvent,
  actions: readonly Json[],
  unread: number,
  withContent: boolean,
): Promise<JsonObject> {
  const data = JSON.parse(pusher.data) as JsonObject
  const tweaks = tweaksOf(actions)
  const isUrgent = event.type === 'm.room.encrypted' || tweaks.highlight === true || tweaks.sound !== undefined
  const named = { event_id: event.eventId, room_id: room.roomId, prio: isUrgent ? 'high' : 'low', counts: { unread } }
  if (data.format === 'event_id_only') return { ...named, devices: [deviceOf(pusher, data)] }
  return {
    ...named,
    ...(await describe(pusher, room, event)),
    ...(withContent && { content: event.visible.content as JsonObject }),
    devices: [{ ...deviceOf(pusher, data), tweaks }],
  }
}

/**
 * The count alone, after something was read.
 * NOTSPEC: a count of zero is not omitted: gateways take what is not there for unchanged, and the badge would stay.
 */
export const countNotification = (pusher: ServedPusher, unread: number): JsonObject => ({
  counts: { unread },
  devices: [deviceOf(pusher, JSON.parse(pusher.data) as JsonObject)],
})

function deviceOf({ app_id, pushkey, pushkey_ts }: ServedPusher, { url: _url, ...data }: JsonObject): JsonObject {
  return { app_id, pushkey, pushkey_ts: Math.floor(pushkey_ts / 1000), data }
}

async function describe(pusher: ServedPusher, room: LiveRoom, event: StoredEvent): Promise<JsonObject> {
  const { sender } = event.pdu
  const textAt = async (type: string, stateKey: string, field: string) => {
    const value = (await room.stateEvent(type, stateKey))?.visible.content[field]
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  const displayName = await textAt('m.room.member', sender, 'displayname')
  const name = await textAt('m.room.name', '', 'name')
  const alias = await textAt('m.room.canonical_alias', '', 'alias')
  return {
    type: event.type,
    sender,
    ...(displayName !== undefined && { sender_display_name: displayName }),
    ...(name !== undefined && { room_name: name }),
    ...(alias !== undefined && { room_alias: alias }),
    ...(event.type === 'm.room.member' && { user_is_target: event.stateKey === pusher.user_id }),
  }
}

/** `set_tweak` actions as an object; a highlight without a value is one. */
function tweaksOf(actions: readonly Json[]): JsonObject {
  const tweaks: JsonObject = {}
  for (const action of actions) {
    if (!isObject(action) || typeof action.set_tweak !== 'string') continue
    const value = action.value ?? (action.set_tweak === 'highlight' ? true : undefined)
    if (value !== undefined) tweaks[action.set_tweak] = value
  }
  return tweaks
}
