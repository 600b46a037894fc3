import { invalidParam, MatrixError, missingParam } from '../../matrix/errors.ts'
import type { JsonObject } from '../../matrix/json.ts'
import { lockDevice } from '../../storage/accounts/devices.ts'
import { afterCommit, type Db, transact } from '../../storage/db.ts'
import * as store from '../../storage/push/pushers.ts'
import type { Clock } from '../../util/clock.ts'
import type { Requester } from '../accounts/sessions/sessions.ts'
import type { Stream } from '../stream.ts'
import { checkGateway } from './gateway-url.ts'
import { type ShownPusher, shownPusher } from './shown-pusher.ts'

interface Deps {
  readonly db: Db
  readonly clock: Clock
  readonly stream: Stream
  /** Whether gateways may be reached without TLS. */
  readonly allowsPlainHttp: boolean
  /** Told of a pusher that was set. */
  onSet(pusherNid: number, owner: Pick<Requester, 'userId' | 'userNid'>): void
}

/** A pusher as a client sets it. What is `undefined` was left out. */
export interface PusherWish {
  readonly kind: string
  readonly appId: string
  readonly pushkey: string
  readonly appDisplayName: string | undefined
  readonly deviceDisplayName: string | undefined
  readonly profileTag: string | undefined
  readonly lang: string | undefined
  readonly data: JsonObject | undefined
  /** Whether others may keep theirs for the same pushkey. */
  readonly append: boolean
  /** Switched on (MSC3881). */
  readonly enabled: boolean
}

const MAX_PUSHERS = 50
const MAX_DATA_BYTES = 16 * 1024

/** Where users want to be notified (spec: client-server API, Push Notifications). */
export class Pushers {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  async list({ userNid }: Pick<Requester, 'userNid'>): Promise<ShownPusher[]> {
    return (await store.listPushers(this.#deps.db, userNid)).map(shownPusher)
  }

  /** Adds or changes a pusher. Throws `M_MISSING_PARAM` and `M_INVALID_PARAM`, and `M_LIMIT_EXCEEDED` for too many. */
  async set(requester: Requester, wish: PusherWish): Promise<void> {
    const { db, clock, stream, onSet } = this.#deps
    const { userNid, deviceNid } = requester
    const { appId, pushkey } = wish
    const described = this.#check(wish)
    await transact(db, async (tx) => {
      // A device that is being logged out must not leave a pusher behind.
      if (!(await lockDevice(tx, deviceNid))) throw new MatrixError('M_UNKNOWN_TOKEN', 'Unknown access token')
      if ((await store.countOtherPushers(tx, userNid, appId, pushkey)) >= MAX_PUSHERS) throw tooMany()
      if (!wish.append) await store.deletePushersOfOthers(tx, userNid, appId, pushkey)
      const nid = await store.upsertPusher(tx, {
        user_nid: userNid,
        device_nid: deviceNid,
        app_id: appId,
        pushkey,
        ...described,
        profile_tag: wish.profileTag ?? null,
        enabled: wish.enabled ? 1 : 0,
        pushkey_ts: clock.now(),
        since_pos: stream.current,
      })
      afterCommit(tx, () => onSet(nid, requester))
    })
  }

  /** Removes a pusher; one that does not exist is as good as removed. */
  async delete({ userNid }: Pick<Requester, 'userNid'>, appId: string, pushkey: string): Promise<void> {
    await transact(this.#deps.db, (tx) => store.deletePusher(tx, userNid, appId, pushkey))
  }

  #check({ kind, appDisplayName, deviceDisplayName, lang, data }: PusherWish) {
    // NOTSPEC: there are no pushers of kind `email`.
    if (kind !== 'http') throw invalidParam('Only pushers of the kind http are supported')
    const missing = Object.entries({
      app_display_name: appDisplayName,
      device_display_name: deviceDisplayName,
      lang,
      data,
    }).flatMap(([name, value]) => (value === undefined ? name : []))
    if (appDisplayName === undefined || deviceDisplayName === undefined || lang === undefined || data === undefined) {
      throw missingParam(`Missing parameters: ${missing.join(', ')}`)
    }
    checkGateway(data, this.#deps.allowsPlainHttp)
    const text = JSON.stringify(data)
    if (Buffer.byteLength(text) > MAX_DATA_BYTES) throw invalidParam('data is too large')
    return { app_display_name: appDisplayName, device_display_name: deviceDisplayName, lang, data: text }
  }
}

const tooMany = () => new MatrixError('M_LIMIT_EXCEEDED', `You have ${MAX_PUSHERS} pushers already`, { status: 400 })
