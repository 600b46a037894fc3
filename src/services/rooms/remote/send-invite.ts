import type { FederationClient } from '../../../federation/client.ts'
import { RemoteFailure } from '../../../federation/remote-failure.ts'
import { forbidden } from '../../../matrix/errors.ts'
import { serverOf, type UserId } from '../../../matrix/ids.ts'
import { isObject, type JsonObject } from '../../../matrix/json.ts'
import { parseJson } from '../../../matrix/parse-json.ts'
import type { SigningKey } from '../../../matrix/signing-key.ts'
import type { Db } from '../../../storage/db.ts'
import type { Clock } from '../../../util/clock.ts'
import { Chain } from '../append/chain.ts'
import { loadKnown } from '../append/known.ts'
import type { Append } from '../append.ts'
import type { LiveRoom } from '../live-room.ts'
import type { PolicyServers } from '../policy/policy-server.ts'
import type { EventSignatures } from '../receive/event-signatures.ts'
import { signedEventsOf } from '../receive/fetched.ts'
import { receiveEvents } from '../receive/receive-events.ts'
import { STRIPPED_TYPES } from '../state/stripped-state.ts'
import { invitedProfile } from './invited-profile.ts'
import { strippedPdus } from './stripped-pdus.ts'

interface Deps {
  readonly db: Db
  readonly clock: Clock
  readonly append: Append
  readonly client: FederationClient
  readonly signatures: EventSignatures
  readonly serverName: string
  readonly signingKey: SigningKey
  random(bytes: number): Uint8Array
  readonly policyServers: PolicyServers
  mayFederate(serverName: string): boolean
}

/**
 * Invites a user of another server (spec: server-server API, Inviting to a room): that server signs the invite before
 * it enters the room. It is asked outside the room's lock; what happens in the room meanwhile makes a fork.
 */
export async function sendInvite(
  deps: Deps,
  room: LiveRoom,
  sender: UserId,
  target: UserId,
  content: JsonObject,
): Promise<void> {
  const { db, clock, client, mayFederate } = deps
  const server = serverOf(target)
  if (!mayFederate(server)) throw forbidden('This server does not federate with the server of the user')
  const shownAs = await invitedProfile(client, target)
  const draft = { type: 'm.room.member', sender, stateKey: target, content: { ...shownAs, ...content } }
  const known = await loadKnown(db, room, [{ draft }], false)
  const built = new Chain(deps, room, known, clock.now()).add({ draft })
  // The user is invited already, in the same words.
  if (built.nid !== 0) return
  const { eventId, pdu, row } = built
  const event = await deps.policyServers.recommended(room, { eventId, pdu, json: row.json })
  const shown = await room.loadState([...STRIPPED_TYPES.map((type) => [type, ''] as const), ['m.room.member', sender]])
  const inviteRoomState = strippedPdus(shown, sender, deps)
    .map((text) => parseJson(text))
    .filter(isObject)
  const answer = await client.memberships
    .sendInvite(server, room.roomId, event.eventId, {
      event: event.pdu as JsonObject,
      roomVersion: room.version.id,
      inviteRoomState,
    })
    .catch((error: unknown) => {
      if (!(error instanceof RemoteFailure)) throw error
      throw error.toClient('M_FORBIDDEN', 'M_INVITE_BLOCKED', 'M_INCOMPATIBLE_ROOM_VERSION')
    })
  const [signed] = await signedEventsOf(deps.signatures, room, [answer])
  const invite = signed?.eventId === event.eventId ? signed : event
  const outcomes = await receiveEvents(deps, room.roomId, [invite], { outgoing: {} })
  const outcome = outcomes.get(event.eventId)
  if (outcome?.is === 'rejected' || outcome?.is === 'softFailed') throw forbidden(outcome.reason)
}
