import type { UserId } from '../../../matrix/ids.ts'
import { serverOf } from '../../../matrix/ids.ts'
import type { Db } from '../../../storage/db.ts'
import { transact } from '../../../storage/db.ts'
import * as store from '../../../storage/keys/remote-lists.ts'
import { internNames, nameNids, nidOf } from '../../../storage/names.ts'
import type { Stream } from '../../stream.ts'
import type { DeviceLists } from '../device-lists.ts'
import { replaceContents } from './list-contents.ts'
import type { RemoteUser } from './remote-user.ts'

interface Deps {
  readonly db: Db
  readonly stream: Stream
  readonly lists: DeviceLists
  readonly serverName: string
}

/** Lists that are being read from their server, from before it was asked until what it answered is stored. */
export interface Reading {
  readonly nids: ReadonlyMap<UserId, number>
  readonly pos: number
  /** How often each list had been doubted when the reading began. */
  readonly doubts: ReadonlyMap<number, number>
  /** Lists that somebody may have seen: whoever did is told when they turn out to be others. */
  readonly seen: ReadonlySet<number>
}

/** How it stands with the copies of some users' lists. */
export interface Standing {
  /** Users with whom a room is shared: their servers tell us of changes, so that a copy can be kept. */
  readonly inSight: ReadonlySet<UserId>
  /** There is a copy. */
  readonly copied: ReadonlySet<UserId>
  /** And it is right, as far as we know. */
  readonly fresh: ReadonlySet<UserId>
}

/**
 * Copies of the device lists of other servers' users (spec: server-server API, Device Management). One is kept while a
 * room is shared with the user, from the first time that somebody asks for it, and follows what the server says of it.
 */
export class RemoteLists {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** How it stands with the lists of these users. */
  async standing(userIds: Iterable<UserId>): Promise<Standing> {
    const { db } = this.#deps
    const nids = await nameNids(db, userIds)
    const users = new Map([...nids].map(([userId, nid]) => [nid, userId]))
    const ownNid = await this.#ownNid(db)
    const named = (found: readonly number[]) => new Set(found.flatMap((nid) => users.get(nid) ?? []))
    const rows = await store.listRemoteLists(db, ownNid, [...users.keys()])
    return {
      inSight: named(await store.listInSight(db, ownNid, [...users.keys()])),
      copied: named(rows.map((row) => row.user_nid)),
      fresh: named(rows.filter((row) => row.is_stale === 0).map((row) => row.user_nid)),
    }
  }

  /**
   * Begins to read lists of users who are in sight. Until they are stored they count as stale: what is heard of them
   * meanwhile puts in doubt what the server answered before, and when it does not answer they are asked for later.
   */
  async begin(userIds: Iterable<UserId>): Promise<Reading> {
    const { db, stream } = this.#deps
    const pos = stream.current
    const nids = await nameNids(db, userIds)
    return transact(db, async (tx) => {
      const servers = await internNames(tx, new Set([...nids.keys()].map(serverOf)))
      const all = [...nids.values()]
      const seen = await store.listRemoteLists(tx, await this.#ownNid(tx), all)
      await store.insertStale(
        tx,
        [...nids].map(([userId, nid]) => ({ user_nid: nid, server_nid: nidOf(servers, serverOf(userId)), pos })),
      )
      const rows = await store.lockRemoteLists(tx, all)
      return {
        nids,
        pos,
        doubts: new Map(rows.map((row) => [row.user_nid, row.doubts])),
        seen: new Set(seen.map((row) => row.user_nid)),
      }
    })
  }

  /** Stores what was read; those who share a room with a user whose list turns out to be another are told. */
  async finish(reading: Reading, read: ReadonlyMap<UserId, RemoteUser>): Promise<void> {
    const { stream, lists } = this.#deps
    const { nids, pos, doubts, seen } = reading
    await stream.write(async (tx, take) => {
      const found = [...read].flatMap(([userId, user]) => {
        const userNid = nids.get(userId)
        return userNid === undefined ? [] : [{ userId, userNid, user }]
      })
      const locked = await store.lockRemoteLists(
        tx,
        found.map(({ userNid }) => userNid),
      )
      const rows = new Map(locked.map((row) => [row.user_nid, row]))
      // A list that was forgotten meanwhile stays so.
      const kept = found.filter(({ userNid }) => rows.has(userNid))
      const changed = await replaceContents(tx, kept)
      await store.upsertRemoteLists(
        tx,
        kept.flatMap(({ userNid, user }) => {
          const row = rows.get(userNid)
          const is_stale = row?.doubts === doubts.get(userNid) ? 0 : 1
          return row ? [{ ...row, stream_id: user.streamId ?? null, pos, is_stale }] : []
        }),
      )
      const news = kept.filter(({ userNid }) => changed.has(userNid) && seen.has(userNid))
      return { value: undefined, announce: await lists.noteOthers(tx, take, news) }
    })
  }

  /** False where there is a copy of the user's list, and no device in it has this public key. */
  async mayHaveKey(userId: UserId, publicKey: string): Promise<boolean> {
    const { db } = this.#deps
    const { fresh } = await this.standing([userId])
    const userNid = (await nameNids(db, [userId])).get(userId)
    if (!fresh.has(userId) || userNid === undefined) return true
    const devices = await store.listRemoteDevices(db, [userNid])
    return devices.some(({ json }) => Object.values(JSON.parse(json).keys ?? {}).includes(publicKey))
  }

  /** Has the lists of users be read again. */
  async doubt(userIds: Iterable<UserId>): Promise<void> {
    const { db } = this.#deps
    const nids = [...(await nameNids(db, userIds)).values()]
    if (nids.length > 0) await transact(db, (tx) => store.updateStale(tx, nids))
  }

  async #ownNid(db: Db): Promise<number> {
    const { serverName } = this.#deps
    return (await nameNids(db, [serverName])).get(serverName) ?? 0
  }
}
