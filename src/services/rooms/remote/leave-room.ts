import type { FederationClient } from '../../../federation/client.ts'
import { RemoteFailure } from '../../../federation/remote-failure.ts'
import { MatrixError } from '../../../matrix/errors.ts'
import type { RoomId, UserId } from '../../../matrix/ids.ts'
import type { JsonObject } from '../../../matrix/json.ts'
import { depthOf } from '../../../room/event.ts'
import { referenceHash } from '../../../room/hashes.ts'
import { type SignedEvent, signEvent } from '../../../room/signing.ts'
import { type RoomVersion, roomVersionIds } from '../../../room/versions.ts'
import type { Db } from '../../../storage/db.ts'
import type { Clock } from '../../../util/clock.ts'
import type { Append } from '../append.ts'
import type { LiveRoom } from '../live-room.ts'
import type { LiveRooms } from '../live-rooms.ts'
import type { StoredEvent } from '../stored-event.ts'
import { askInTurn } from './ask-servers.ts'
import { noteOutside } from './outside.ts'
import { serversFor } from './resident-servers.ts'
import { strippedTextOf } from './stripped-pdus.ts'
import { fillTemplate, type TemplateSigner, versionOf } from './template.ts'

interface Deps extends TemplateSigner {
  readonly db: Db
  readonly clock: Clock
  readonly append: Append
  readonly rooms: LiveRooms
  readonly client: FederationClient
  mayFederate(serverName: string): boolean
}

/** Leaving rooms that we are not in, which is rejecting an invite or taking back a knock, and knocking at them. */
export class RemoteLeaves {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /**
   * Tells a server in the room (spec: server-server API, Leaving Rooms). Where none can be told the user has left all
   * the same, as far as we are concerned.
   */
  async leave(room: LiveRoom, userId: UserId, content: JsonObject): Promise<void> {
    const { db, append, clock, client } = this.#deps
    const { roomId, version } = room
    const wish = { roomId, userId, content: { ...content, membership: 'leave' }, now: clock.now() }
    const servers = await serversFor(this.#deps, roomId, room, userId, [])
    const told = await askInTurn(servers, async (server) => {
      const template = await client.memberships.makeLeave(server, roomId, userId)
      const signed = fillTemplate(template, versionOf(template) ?? version, wish, this.#deps)
      if (!signed) throw new RemoteFailure(server, 'gave a template that makes no leave')
      await client.memberships.sendLeave(server, roomId, signed.eventId, signed.pdu as JsonObject)
      return signed
    }).catch((error: unknown) => {
      if (error instanceof MatrixError) return undefined
      throw error
    })
    const member = await room.stateEvent('m.room.member', userId)
    const event = told ?? (member && this.#untold(member, version, wish.content))
    if (event) await noteOutside({ db, append }, { roomId, version, event })
  }

  /** Knocks at a room (spec: server-server API, Knocking Rooms). */
  async knock(roomId: RoomId, userId: UserId, content: JsonObject, via: readonly string[]): Promise<void> {
    const { db, append, clock, client, rooms } = this.#deps
    const servers = await serversFor(this.#deps, roomId, await rooms.find(roomId), userId, via)
    const wish = { roomId, userId, content: { ...content, membership: 'knock' }, now: clock.now() }
    await askInTurn(servers, async (server) => {
      const template = await client.memberships.makeKnock(server, roomId, userId, roomVersionIds())
      const version = versionOf(template)
      if (!version) throw new MatrixError('M_UNSUPPORTED_ROOM_VERSION', 'The room has a version that is not known here')
      const event = fillTemplate(template, version, wish, this.#deps)
      if (!event) throw new RemoteFailure(server, 'gave a template that makes no knock')
      const told = await client.memberships.sendKnock(server, roomId, event.eventId, event.pdu as JsonObject)
      await noteOutside({ db, append }, { roomId, version, event, strippedState: strippedTextOf(told) })
    })
  }

  /** A leave that nobody else has heard of: it follows the invite or knock that it ends. */
  #untold(member: StoredEvent, version: RoomVersion, content: JsonObject): SignedEvent {
    const { serverName, signingKey, clock, random } = this.#deps
    const reference =
      version.eventId === 'random' ? [member.eventId, { sha256: referenceHash(member.pdu, version) }] : member.eventId
    const pdu = {
      type: 'm.room.member',
      room_id: member.roomId,
      sender: member.stateKey ?? '',
      state_key: member.stateKey ?? '',
      content,
      depth: Math.min(depthOf(member.pdu) + 1, Number.MAX_SAFE_INTEGER),
      prev_events: [reference],
      auth_events: [reference],
      origin_server_ts: clock.now(),
      ...(version.eventId === 'random' && {
        event_id: `$${Buffer.from(random(18)).toString('base64url')}:${serverName}`,
      }),
    }
    return signEvent(pdu, version, serverName, signingKey)
  }
}
