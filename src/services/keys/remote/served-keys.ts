import { invalidParam } from '../../../matrix/errors.ts'
import { serverOf, type UserId } from '../../../matrix/ids.ts'
import type { JsonObject } from '../../../matrix/json.ts'
import type { Db } from '../../../storage/db.ts'
import type { Claim, KeyClaims } from '../key-claims.ts'
import { queryKeys } from '../key-query.ts'
import type { PublishedKeys } from './published-keys.ts'

interface Deps {
  readonly db: Db
  readonly serverName: string
  readonly published: PublishedKeys
  readonly claims: KeyClaims
  /** Whether other servers see what users call their devices. */
  readonly showsNames: boolean
}

/**
 * What other servers ask of the keys of our users. Anybody may: keys are fetched before a room is shared. A user who does
 * not exist is one without devices. All throw `M_INVALID_PARAM` for users who are not ours.
 */
export class ServedKeys {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** For `GET /user/devices/{userId}`. */
  async devices(userId: UserId) {
    this.#checkOurs([userId])
    return this.#deps.published.devices(userId)
  }

  /** For `POST /user/keys/query`: the devices of each user; none named means all. */
  async query(wanted: ReadonlyMap<UserId, readonly string[]>) {
    const { db, showsNames } = this.#deps
    this.#checkOurs(wanted.keys())
    const { device_keys, master_keys, self_signing_keys } = await queryKeys(db, undefined, wanted)
    if (!showsNames) for (const device of Object.values(device_keys).flatMap(Object.values)) delete device.unsigned
    return { device_keys, master_keys, self_signing_keys }
  }

  /** For `POST /user/keys/claim`. */
  async claim(claims: readonly Claim[]): Promise<{ one_time_keys: JsonObject }> {
    this.#checkOurs(claims.map(({ userId }) => userId))
    return { one_time_keys: await this.#deps.claims.claim(claims) }
  }

  #checkOurs(userIds: Iterable<UserId>): void {
    for (const userId of userIds) {
      if (serverOf(userId) !== this.#deps.serverName) throw invalidParam(`${userId} is no user of this server`)
    }
  }
}
