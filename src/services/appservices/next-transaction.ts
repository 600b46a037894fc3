import type { UserId } from '../../matrix/ids.ts'
import { listDevicesByNid } from '../../storage/accounts/devices.ts'
import * as store from '../../storage/appservices.ts'
import { type Db, transact } from '../../storage/db.ts'
import type { DeviceKeys } from '../keys/device-keys.ts'
import type { LeftKeys } from '../keys/keys-left.ts'
import type { LiveRooms } from '../rooms/live-rooms.ts'
import { StoredEvent } from '../rooms/stored-event.ts'
import type { ClientEvents } from '../rooms/view/client-events.ts'
import type { Viewer } from '../rooms/view/viewer.ts'
import { type AppService, receivesFor } from './app-service.ts'
import type { PassingNews } from './passing-news.ts'

export interface TransactionDeps {
  readonly db: Db
  readonly rooms: LiveRooms
  readonly clientEvents: ClientEvents
  readonly deviceKeys: DeviceKeys
  readonly passing: PassingNews
  now(): number
  newTxnId(): string
}

/** Numbers that stand for an application service in the tables. */
export interface ServiceNids {
  readonly serviceNid: number
  readonly senderNid: number
}

/** Of each kind, as the specification's servers have it. */
const MAX_EVENTS = 100
const MAX_BODY_BYTES = 4 * 1024 * 1024

/**
 * The transaction to send next, stored as it will be sent: the one that is under way, or one made of what waits. What is
 * sent again is the same under the same id (spec: application service API, Pushing events). Undefined: nothing waits.
 */
export async function nextTransaction(
  deps: TransactionDeps,
  service: AppService,
  { serviceNid, senderNid }: ServiceNids,
): Promise<store.StoredTransaction | undefined> {
  const { db, passing, newTxnId } = deps
  const pending = await store.findTransaction(db, serviceNid)
  if (pending) return pending
  const viewer = { userId: service.sender, userNid: senderNid, deviceNid: -senderNid }
  const { texts, eventNids } = await eventTexts(deps, serviceNid, viewer)
  const messages = service.wantsEphemeral ? await store.listQueuedMessages(db, serviceNid, MAX_EVENTS) : []
  const changed = service.wantsEncryption ? await store.listChangedUsers(db, serviceNid, MAX_EVENTS) : []
  const passed = passing.take(service, MAX_EVENTS)
  if (eventNids.length + messages.length + changed.length + passed.ephemeral.length + passed.devices.length === 0) {
    return undefined
  }
  const parts = [`"events":[${texts.join(',')}]`]
  if (service.wantsEphemeral) {
    parts.push(...bothNames('ephemeral', `[${passed.ephemeral.map(([, text]) => text).join(',')}]`))
    parts.push(`"de.sorunome.msc2409.to_device":[${messages.flatMap(messageText).join(',')}]`)
  }
  if (service.wantsEncryption) {
    const lists = { changed: changed.map((user) => user.user_id), left: [] }
    parts.push(`"org.matrix.msc3202.device_lists":${JSON.stringify(lists)}`)
    parts.push(...(await keyParts(deps, [...passed.devices, ...messages.map((message) => message.device_nid)])))
  }
  const transaction = { txnId: newTxnId(), body: `{${parts.join(',')}}` }
  const handedOn = messages.filter((message) => receivesFor(service, message.user_id))
  const taken = { eventNids, messages, handedOn, changedUserNids: changed.map((user) => user.user_nid) }
  await transact(db, (tx) => store.insertTransaction(tx, serviceNid, transaction, taken))
  return transaction
}

/** The name that the specification has, and the one from before. */
const bothNames = (name: string, text: string): string[] => [
  `"${name}":${text}`,
  `"de.sorunome.msc2409.${name}":${text}`,
]

/** The oldest events as clients get them; what is in no room that we know is passed over. */
async function eventTexts({ db, rooms, clientEvents, now }: TransactionDeps, serviceNid: number, viewer: Viewer) {
  const texts: string[] = []
  const eventNids: number[] = []
  let bytes = 0
  for (const row of await store.listQueuedEvents(db, serviceNid, MAX_EVENTS)) {
    const room = await rooms.find(row.room_id)
    if (room) {
      const event = new StoredEvent(row, room.roomId, room.version)
      // Of a room that we are not in nothing more is known.
      const [text = outsideText(event, now())] = event.isTimeline
        ? await clientEvents.render(room, [event], viewer, { withRelations: false })
        : []
      bytes += Buffer.byteLength(text)
      if (bytes > MAX_BODY_BYTES && texts.length > 0) break
      texts.push(text)
    }
    eventNids.push(row.nid)
  }
  return { texts, eventNids }
}

const outsideText = (event: StoredEvent, now: number): string =>
  `${event.clientText},"room_id":${JSON.stringify(event.roomId)},"unsigned":{"age":${now - event.row.ts}}}`

/** A message with the device that it is for (MSC4203). */
const messageText = ({ json, user_id, device_id }: store.QueuedMessage): string[] =>
  json === null
    ? []
    : [`${json.slice(0, -1)},"to_user_id":${JSON.stringify(user_id)},"to_device_id":${JSON.stringify(device_id)}}`]

/** How many keys these devices have left (MSC3202). */
async function keyParts({ db, deviceKeys }: TransactionDeps, deviceNids: readonly number[]): Promise<string[]> {
  const counts: Record<UserId, Record<string, LeftKeys['counts']>> = {}
  const unused: Record<UserId, Record<string, readonly string[]>> = {}
  for (const { nid, deviceId, userId } of await listDevicesByNid(db, [...new Set(deviceNids)])) {
    const left = await deviceKeys.left.of(nid)
    counts[userId] = { ...counts[userId], [deviceId]: left.counts }
    unused[userId] = { ...unused[userId], [deviceId]: left.unusedFallbacks }
  }
  return [
    `"org.matrix.msc3202.device_one_time_keys_count":${JSON.stringify(counts)}`,
    `"org.matrix.msc3202.device_one_time_key_counts":${JSON.stringify(counts)}`,
    `"org.matrix.msc3202.device_unused_fallback_key_types":${JSON.stringify(unused)}`,
  ]
}
