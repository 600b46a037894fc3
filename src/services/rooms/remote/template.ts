import type { Template } from '../../../federation/requests/memberships.ts'
import type { RoomId, UserId } from '../../../matrix/ids.ts'
import { isObject, type JsonObject } from '../../../matrix/json.ts'
import type { Pdu } from '../../../room/event.ts'
import { checkFormat } from '../../../room/format.ts'
import { type EventSigner, type SignedEvent, signEvent } from '../../../room/signing.ts'
import { type RoomVersion, roomVersion } from '../../../room/versions.ts'

export interface TemplateSigner extends EventSigner {
  random(bytes: number): Uint8Array
}

/** What we want to say with an event that another server helps us to place in its room. */
export interface Wish {
  readonly roomId: RoomId
  readonly userId: UserId
  /** With `membership`. */
  readonly content: JsonObject
  readonly now: number
}

/** The version of the room that a template is for; undefined where we do not know it. */
export const versionOf = ({ roomVersion: id = '1' }: Template): RoomVersion | undefined => roomVersion(id)

/**
 * Makes an event of ours out of what another server says of its place (make_join and its like). Of the template only
 * the place is taken, and who vouches for the join; what we sign is what we want to say. Undefined where the template
 * is for something else, or makes no event.
 */
export function fillTemplate(
  { event: template }: Template,
  version: RoomVersion,
  wish: Wish,
  signer: TemplateSigner,
): SignedEvent | undefined {
  const { roomId, userId, now } = wish
  const isForUs = template.type === 'm.room.member' && template.state_key === userId && template.sender === userId
  if (!isForUs || template.room_id !== roomId) return undefined
  const content = { ...wish.content }
  const { join_authorised_via_users_server: via } = contentOf(template)
  if (typeof via === 'string' && content.membership === 'join') content.join_authorised_via_users_server = via
  const pdu = {
    type: 'm.room.member',
    room_id: roomId,
    sender: userId,
    state_key: userId,
    content,
    depth: template.depth,
    prev_events: template.prev_events,
    auth_events: template.auth_events,
    origin_server_ts: now,
    ...(version.eventId === 'random' && {
      event_id: `$${Buffer.from(signer.random(18)).toString('base64url')}:${signer.serverName}`,
    }),
    hashes: { sha256: '' },
    signatures: {},
  }
  if (checkFormat(pdu, version) !== undefined) return undefined
  const { hashes: _, ...unsigned } = pdu as unknown as Pdu
  return signEvent(unsigned, version, signer.serverName, signer.signingKey)
}

const contentOf = ({ content }: JsonObject): JsonObject => (isObject(content) ? content : {})
