import { forbidden, MatrixError } from '../../../matrix/errors.ts'
import { serverOf, type UserId } from '../../../matrix/ids.ts'
import type { JsonObject } from '../../../matrix/json.ts'
import type { SigningKey } from '../../../matrix/signing-key.ts'
import type { Db } from '../../../storage/db.ts'
import type { Clock } from '../../../util/clock.ts'
import { Chain } from '../append/chain.ts'
import { loadKnown } from '../append/known.ts'
import type { LiveRoom } from '../live-room.ts'
import { authorisingUser } from '../membership/restricted-join.ts'
import type { PeerRooms } from './peer-rooms.ts'

interface Deps {
  readonly db: Db
  readonly clock: Clock
  readonly serverName: string
  readonly signingKey: SigningKey
  random(bytes: number): Uint8Array
  readonly peerRooms: PeerRooms
}

export interface TemplateAnswer {
  readonly room_version: string
  readonly event: JsonObject
}

/** Events that other servers fill in and sign (spec: server-server API, make_join, make_leave, make_knock). */
export class Templates {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  async join(origin: string, roomId: string, userId: UserId, versions: readonly string[]): Promise<TemplateAnswer> {
    refuseOthers(origin, userId)
    const room = await this.#deps.peerRooms.joinable(origin, roomId)
    refuseVersions(room, versions)
    const content: JsonObject = { membership: 'join' }
    const via = await authorisingUser(room, userId, await room.membershipOf(userId), this.#deps)
    if (via) content.join_authorised_via_users_server = via
    return this.#template(room, userId, content)
  }

  async leave(origin: string, roomId: string, userId: UserId): Promise<TemplateAnswer> {
    refuseOthers(origin, userId)
    const room = await this.#deps.peerRooms.admitting(origin, roomId)
    return this.#template(room, userId, { membership: 'leave' })
  }

  async knock(origin: string, roomId: string, userId: UserId, versions: readonly string[]): Promise<TemplateAnswer> {
    refuseOthers(origin, userId)
    const room = await this.#deps.peerRooms.joinable(origin, roomId)
    refuseVersions(room, versions)
    return this.#template(room, userId, { membership: 'knock' })
  }

  /** Throws `M_FORBIDDEN` where the room's rules do not allow the event. */
  async #template(room: LiveRoom, userId: UserId, content: JsonObject): Promise<TemplateAnswer> {
    const { db, clock } = this.#deps
    const draft = { type: 'm.room.member', sender: userId, stateKey: userId, content }
    const known = await loadKnown(db, room, [{ draft }], false)
    const { pdu } = new Chain(this.#deps, room, known, clock.now()).add({ draft })
    const { hashes: _hashes, signatures: _signatures, event_id: _id, unsigned: _unsigned, ...event } = pdu
    return { room_version: room.version.id, event: event as JsonObject }
  }
}

function refuseOthers(origin: string, userId: UserId): void {
  if (serverOf(userId) !== origin) throw forbidden('The user is not of your server')
}

function refuseVersions(room: LiveRoom, versions: readonly string[]): void {
  if (versions.includes(room.version.id)) return
  throw new MatrixError('M_INCOMPATIBLE_ROOM_VERSION', 'Your server does not know the version of this room', {
    fields: { room_version: room.version.id },
  })
}
