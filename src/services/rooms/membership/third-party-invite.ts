import { badJson, forbidden } from '../../../matrix/errors.ts'
import { isUserId, serverOf, type UserId } from '../../../matrix/ids.ts'
import { isObject, type JsonObject } from '../../../matrix/json.ts'
import type { Draft } from '../draft.ts'
import type { LiveRoom } from '../live-room.ts'

/**
 * The invite that takes the place of a third-party invite once its address turns out to belong to a user
 * (`third_party_signed` of a join; spec: client-server API, Third-party invites). The room's rules check the signatures.
 */
export async function thirdPartyInvite(
  room: LiveRoom,
  userId: UserId,
  { sender, mxid, token, signatures }: JsonObject,
  serverName: string,
): Promise<Draft> {
  if (typeof sender !== 'string' || !isUserId(sender) || typeof token !== 'string' || !isObject(signatures)) {
    throw badJson('third_party_signed is malformed')
  }
  const pending = await room.stateEvent('m.room.third_party_invite', token)
  if (mxid !== userId || pending?.pdu.sender !== sender || serverOf(sender) !== serverName) {
    throw forbidden('No such invite')
  }
  const { display_name: displayName } = pending.visible.content
  return {
    type: 'm.room.member',
    sender,
    stateKey: userId,
    content: {
      membership: 'invite',
      third_party_invite: {
        display_name: typeof displayName === 'string' ? displayName : '',
        signed: { mxid, token, signatures },
      },
    },
  }
}
