import { isUserId, serverOf, type UserId } from '../../../matrix/ids.ts'
import type { JsonObject } from '../../../matrix/json.ts'
import type { Db } from '../../../storage/db.ts'
import { isServerInPartialRoom } from '../../../storage/federation/partial-rooms.ts'
import { listChangedMembers } from '../../../storage/keys/device-lists.ts'
import * as store from '../../../storage/keys/remote-lists.ts'
import { internName, nameNids } from '../../../storage/names.ts'
import { chunks } from '../../../util/chunks.ts'
import type { Owner } from '../../account-data/account-data.ts'
import type { Stream } from '../../stream.ts'
import type { DeviceLists } from '../device-lists.ts'
import { replaceDevice, replaceKeys } from './list-contents.ts'
import { type RemoteDevice, readDevice, readKeys, readStreamId } from './remote-user.ts'

interface Deps {
  readonly db: Db
  readonly stream: Stream
  readonly lists: DeviceLists
  readonly serverName: string
  /** Told that a list of a server must be read again. */
  onStale(server: string): void
}

/** One change of a device list, as its server announces it. */
interface Update {
  readonly deviceId: string
  /** Undefined: it is gone, or has no keys. */
  readonly device: RemoteDevice | undefined
  readonly streamId: number
  /** The updates that it follows. */
  readonly prevIds: readonly number[]
}

/** An honest server names one. */
const MAX_PREV_IDS = 20
/** Users of whom a server may say something before it is known that they are in a room with us. */
const MAX_UNPROVEN = 1_000
/** Lists that one transaction notes. */
const MAX_AT_ONCE = 200

/**
 * Takes what other servers say of changes to the device lists and keys of their users (spec: server-server API, Device
 * Management). Of users who share no room with one of ours nothing is taken. Where not all members of a room are known
 * yet, it is noted that something changed: our users in the room hear of it when those turn out to be members.
 */
export class ListUpdates {
  readonly #deps: Deps
  readonly #unproven = new Map<string, number>()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** `m.device_list_update` */
  async takeDevice(origin: string, content: JsonObject): Promise<void> {
    const user = await this.#userInSight(origin, content)
    const update = user && readUpdate(user.userId, content)
    if (!update) return
    const { stream, lists, onStale } = this.#deps
    const isStale = await stream.write(async (tx, take) => {
      const [row] = await store.lockRemoteLists(tx, [user.userNid])
      const [copy] = await store.listRemoteLists(tx, await this.#ownNid(), [user.userNid])
      if (!row || !copy) {
        if (row) await store.updateStale(tx, [user.userNid])
        // Nobody here has the list. What follows nothing only says that there is one.
        const news = update.prevIds.length > 0 ? [user] : []
        return { value: row !== undefined, announce: await lists.noteOthers(tx, take, news) }
      }
      const known = row.stream_id ?? Number.NEGATIVE_INFINITY
      if (row.is_stale === 0 && update.streamId === known) return { value: false }
      // What is older than the copy may bring back what has gone since.
      const isNewer = update.streamId > known
      const changes = isNewer && (await replaceDevice(tx, user.userNid, update.deviceId, update.device))
      const follows = row.is_stale === 0 && row.stream_id !== null && update.prevIds.includes(row.stream_id)
      if (follows) await store.upsertRemoteLists(tx, [{ ...row, stream_id: update.streamId }])
      else await store.updateStale(tx, [user.userNid])
      return { value: !follows, announce: await lists.noteOthers(tx, take, changes ? [user] : []) }
    })
    if (isStale) onStale(origin)
  }

  /** `m.signing_key_update` */
  async takeKeys(origin: string, content: JsonObject): Promise<void> {
    const user = await this.#userInSight(origin, content)
    const keys = user && readKeys(user.userId, content.master_key, content.self_signing_key)
    if (!keys || keys.length === 0) return
    const { stream, lists } = this.#deps
    await stream.write(async (tx, take) => {
      const [row] = await store.lockRemoteLists(tx, [user.userNid])
      // Without a copy there is nothing to follow, but whoever knows an older key must ask.
      const changes = !row || (await replaceKeys(tx, [{ userNid: user.userNid, keys }])).size > 0
      if (row?.is_stale === 1) await store.updateStale(tx, [user.userNid])
      return { value: undefined, announce: await lists.noteOthers(tx, take, changes ? [user] : []) }
    })
  }

  /** The user whom the EDU is about: one of the server that sent it, who shares a room with one of ours. */
  async #userInSight(origin: string, { user_id: userId }: JsonObject): Promise<Owner | undefined> {
    if (typeof userId !== 'string' || !isUserId(userId) || serverOf(userId) !== origin) return undefined
    const { db } = this.#deps
    const userNid = (await nameNids(db, [userId])).get(userId)
    const isInSight = userNid !== undefined && (await store.listInSight(db, await this.#ownNid(), [userNid])).length > 0
    if (isInSight) return { userId, userNid }
    await this.#noteUnproven(origin, userId)
    return undefined
  }

  async #noteUnproven(origin: string, userId: UserId): Promise<void> {
    const { db, stream, lists } = this.#deps
    const count = this.#unproven.get(origin) ?? 0
    if (count >= MAX_UNPROVEN || !(await isServerInPartialRoom(db, origin))) return
    this.#unproven.set(origin, count + 1)
    await stream.write(async (tx, take) => {
      const userNid = await internName(tx, userId)
      return { value: undefined, announce: await lists.noteOthers(tx, take, [{ userId, userNid }]) }
    })
  }

  /** All members of a room are known: says which lists changed while they were not. `joinPos`: where that began. */
  async onWhole(roomNid: number, joinPos: number): Promise<void> {
    const { db, stream, lists } = this.#deps
    const changed = await listChangedMembers(db, roomNid, joinPos)
    for (const users of chunks(changed, MAX_AT_ONCE)) {
      await stream.write(async (tx, take) => ({ value: undefined, announce: await lists.noteOthers(tx, take, users) }))
    }
  }

  async #ownNid(): Promise<number> {
    const { db, serverName } = this.#deps
    return (await nameNids(db, [serverName])).get(serverName) ?? 0
  }
}

/** Undefined for an update that has no place in a sequence, or is of no device. */
function readUpdate(userId: UserId, content: JsonObject): Update | undefined {
  const { device_id: deviceId, device_display_name: name, stream_id: stream, prev_id: prev = [], deleted } = content
  const streamId = readStreamId(stream)
  if (typeof deviceId !== 'string' || streamId === undefined || !Array.isArray(prev)) return undefined
  return {
    deviceId,
    device: deleted === true ? undefined : readDevice(userId, deviceId, content.keys, name),
    streamId,
    prevIds: prev.slice(0, MAX_PREV_IDS).flatMap((id) => readStreamId(id) ?? []),
  }
}
