import { forbidden, MatrixError, notFound } from '../../matrix/errors.ts'
import { serverOf, type UserId } from '../../matrix/ids.ts'
import type { Json, JsonObject } from '../../matrix/json.ts'
import { findAccount, lockAccount } from '../../storage/accounts/accounts.ts'
import * as table from '../../storage/accounts/profiles.ts'
import { afterCommit, type Db, type Tx } from '../../storage/db.ts'
import { listNeighbours } from '../../storage/keys/device-lists.ts'
import { nameNids } from '../../storage/names.ts'
import { LoadCache } from '../../util/load-cache.ts'
import type { AppService } from '../appservices/app-service.ts'
import type { Hub } from '../hub.ts'
import type { MemberProfile } from '../rooms/membership/member-profile.ts'
import type { Stream, Take } from '../stream.ts'
import { indexUser, unindexUser } from '../user-directory/user-index.ts'
import { checkFieldName, DISPLAYED, detailsOf, fieldValue, SEARCHED } from './profile-fields.ts'

/** Whose profiles one may look up: everybody's, other servers' users too, even without an account; with one; those of whom one knows. */
export type Lookup = 'public' | 'users' | 'acquaintances'

interface Deps {
  readonly db: Db
  readonly stream: Stream
  readonly hub: Hub
  readonly serverName: string
  readonly lookup: Lookup
  /** Whether users may change their own profiles. */
  readonly mayChange: boolean
  /** Whether the viewer shares a room with the other user, or that one is in a room open to everybody. */
  knows(viewerNid: number, otherNid: number): Promise<boolean>
  /** Whether one of the server's users shares a room with ours. */
  isKnownTo(server: string, userNid: number): Promise<boolean>
  /** What the server of a user who is not ours says; throws what our client may be told. */
  remoteProfile(userId: UserId): Promise<JsonObject>
}

export interface ProfileOwner {
  readonly userId: UserId
  readonly userNid: number
  /** The application service that acts as this user: it names its users, whoever else may not name themselves. */
  readonly appservice?: AppService
}

const MAX_PROFILE_BYTES = 65_536
const MAX_CACHED = 20_000

/** What people say about themselves (spec: client-server API, Profiles). */
export class Profiles {
  readonly #deps: Deps
  readonly #displayed = new LoadCache<UserId, MemberProfile>(MAX_CACHED, (userId) => this.#readDisplayed(userId))
  readonly #listeners: (() => void)[] = []
  readonly #changeListeners: ((pos: number) => void)[] = []

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Told after the commit at which position a profile has changed. */
  onChanged(listener: (pos: number) => void): void {
    this.#changeListeners.push(listener)
  }

  /** Told after the commit that member events have to follow a change. */
  onQueued(listener: () => void): void {
    this.#listeners.push(listener)
  }

  /** What the user's member events show. Empty for anybody without a profile here. */
  async profileOf(userId: UserId): Promise<MemberProfile> {
    return this.#displayed.get(userId)
  }

  /** Throws `M_FORBIDDEN` where the viewer may not look, and `M_NOT_FOUND` for a user whom nobody here knows. */
  async get(userId: UserId, viewerNid: number | undefined): Promise<JsonObject> {
    const { db, serverName, lookup, knows, remoteProfile } = this.#deps
    if (lookup !== 'public' && viewerNid === undefined) throw forbidden('Log in to look up profiles')
    const isOurs = serverOf(userId) === serverName
    const account = isOurs ? await findAccount(db, userId) : undefined
    if (lookup === 'acquaintances' && viewerNid !== undefined && viewerNid !== account?.userNid) {
      const userNid = isOurs ? account?.userNid : (await nameNids(db, [userId])).get(userId)
      if (userNid === undefined || !(await knows(viewerNid, userNid))) throw forbidden('You may not see this profile')
    }
    if (!isOurs) return remoteProfile(userId)
    if (!account || account.isDeactivated) throw notFound('There is no such profile')
    return this.#read(db, account.userNid)
  }

  /** For another server, on behalf of one of its users. */
  async getForServer(server: string, userId: UserId): Promise<JsonObject> {
    const { db, serverName, lookup, isKnownTo } = this.#deps
    const account = serverOf(userId) === serverName ? await findAccount(db, userId) : undefined
    if (lookup === 'acquaintances' && !(account && (await isKnownTo(server, account.userNid)))) {
      throw forbidden('Your users may not see this profile')
    }
    if (!account || account.isDeactivated) throw notFound('There is no such profile')
    return this.#read(db, account.userNid)
  }

  async getField(userId: UserId, field: string, viewerNid: number | undefined): Promise<JsonObject> {
    const profile = await this.get(userId, viewerNid)
    if (!Object.hasOwn(profile, field)) throw notFound('The profile has no such field')
    return { [field]: profile[field] }
  }

  /** Throws `M_KEY_TOO_LARGE`, `M_PROFILE_TOO_LARGE` and their like. */
  async setField(owner: ProfileOwner, field: string, value: Json): Promise<void> {
    checkFieldName(field)
    const stored = fieldValue(field, value)
    if (stored === undefined) return this.deleteField(owner, field)
    const text = JSON.stringify(stored)
    await this.#change(owner, field, async (tx, take) => {
      const others = (await table.listFields(tx, owner.userNid)).filter((known) => known.field !== field)
      if (sizeOf([...others, { field, value: text }]) > MAX_PROFILE_BYTES) {
        throw new MatrixError('M_PROFILE_TOO_LARGE', `A profile has at most ${MAX_PROFILE_BYTES} bytes`)
      }
      const { pos } = await take(1)
      await table.upsertField(tx, owner.userNid, field, text, pos)
      return pos
    })
  }

  /** Deleting a field that is not there is no error. */
  async deleteField(owner: ProfileOwner, field: string): Promise<void> {
    checkFieldName(field)
    await this.#change(owner, field, async (tx, take) => {
      const { pos } = await take(1)
      await table.clearField(tx, owner.userNid, field, pos)
      return pos
    })
  }

  /** Part of the transaction that makes an account. */
  async insert(tx: Tx, { userId, userNid }: ProfileOwner, displayName: string): Promise<void> {
    const name = displayName.normalize('NFC')
    await table.upsertField(tx, userNid, 'displayname', JSON.stringify(name), 0)
    await indexUser(tx, { userId, userNid, displayName: name, avatarUrl: undefined, details: undefined })
    afterCommit(tx, () => this.#displayed.forget(userId))
  }

  /** Part of the transaction that ends an account. */
  async delete(tx: Tx, { userId, userNid }: ProfileOwner): Promise<void> {
    await table.deleteProfile(tx, userNid)
    await unindexUser(tx, userNid)
    afterCommit(tx, () => this.#displayed.forget(userId))
  }

  /** `write` returns the position that it has taken. */
  async #change(
    { userId, userNid, appservice }: ProfileOwner,
    field: string,
    write: (tx: Tx, take: Take) => Promise<number>,
  ): Promise<void> {
    const { db, stream, hub, mayChange } = this.#deps
    if (!mayChange && !appservice) throw forbidden('Profiles cannot be changed here')
    const isDisplayed = DISPLAYED.includes(field)
    const audience = new Set([userId, ...(await listNeighbours(db, [userNid]))])
    await stream.write(async (tx, take) => {
      await lockAccount(tx, userNid)
      if (isDisplayed) await table.queuePropagation(tx, userNid)
      const pos = await write(tx, take)
      if (SEARCHED.includes(field)) await this.#index(tx, { userId, userNid })
      const announce = () => {
        for (const listener of this.#changeListeners) listener(pos)
        hub.publish(audience, pos)
      }
      return { value: undefined, announce }
    })
    if (!isDisplayed) return
    this.#displayed.forget(userId)
    for (const listener of this.#listeners) listener()
  }

  async #index(tx: Tx, { userId, userNid }: ProfileOwner): Promise<void> {
    const profile = await this.#read(tx, userNid)
    await indexUser(tx, {
      userId,
      userNid,
      displayName: textOf(profile.displayname),
      avatarUrl: textOf(profile.avatar_url),
      details: detailsOf(profile),
    })
  }

  async #readDisplayed(userId: UserId): Promise<MemberProfile> {
    const account = await findAccount(this.#deps.db, userId)
    const { displayname, avatar_url } = account ? await this.#read(this.#deps.db, account.userNid) : {}
    return {
      ...(typeof displayname === 'string' && { displayname }),
      ...(typeof avatar_url === 'string' && { avatar_url }),
    }
  }

  async #read(db: Db, userNid: number): Promise<JsonObject> {
    const fields = await table.listFields(db, userNid)
    return Object.fromEntries(fields.map(({ field, value }) => [field, JSON.parse(value) as Json]))
  }
}

const textOf = (value: Json | undefined): string | undefined => (typeof value === 'string' ? value : undefined)

/** The size of the profile as JSON: braces, and for each field its quotes, colon and comma. */
const sizeOf = (fields: readonly table.ProfileField[]): number =>
  fields.reduce((sum, { field, value }) => sum + Buffer.byteLength(field) + Buffer.byteLength(value) + 4, 1)
