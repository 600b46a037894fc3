import type { Db } from '../../storage/db.ts'
import { findStrippedState } from '../../storage/rooms/memberships.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import { ownMemberEvent } from '../rooms/state/stripped-state.ts'
import type { StoredEvent } from '../rooms/stored-event.ts'
import { LIVE } from './connection.ts'
import { NOTHING_REQUIRED } from './required-state.ts'
import type { RoomAnswer, RoomQuestion } from './room-answer.ts'
import { commonText } from './room-head.ts'

/**
 * What a client is told of a room that its user never was in: invited, knocking, refused. That is what the invite or the
 * knock says of the room, and the member event.
 */
export async function answerOutside(db: Db, question: RoomQuestion, room: LiveRoom): Promise<RoomAnswer> {
  const { context, wanted, sent, isDm } = question
  const { viewer, request } = context
  const memberEvent = await room.stateEvent('m.room.member', viewer.userId)
  const fields = [...commonText({ ...question, isInitial: true }), `"bump_stamp":${wanted.mine.pos}`]
  const isRefused = wanted.mine.membership !== 'invite' && wanted.mine.membership !== 'knock'
  if (request.dialect === 'unstable' && isRefused && memberEvent) {
    // Clients of the older form take a room with stripped state for an invite.
    const unsigned = `"unsigned":{"age":${context.now - memberEvent.row.ts}}`
    fields.push(`"required_state":[${memberEvent.clientText},${unsigned}}]`)
  } else {
    const name = request.dialect === 'stable' ? 'stripped_state' : 'invite_state'
    fields.push(`"${name}":${JSON.stringify(await strippedState(db, room, viewer.userId, memberEvent))}`)
  }
  if (isDm) fields.push('"is_dm":true')
  return {
    text: `{${fields.join(',')}}`,
    sent: {
      room: LIVE,
      receipts: sent?.receipts,
      accountData: sent?.accountData,
      timelineLimit: wanted.timelineLimit,
      required: NOTHING_REQUIRED,
      isDm,
    },
    isFresh: true,
    eventIds: [],
    memberNids: [],
  }
}

async function strippedState(db: Db, room: LiveRoom, userId: string, memberEvent: StoredEvent | undefined) {
  const stripped: unknown = JSON.parse((await findStrippedState(db, room.nid, userId)) ?? '[]')
  const events: unknown[] = Array.isArray(stripped) ? stripped : []
  return memberEvent ? [...events, ownMemberEvent(memberEvent)] : events
}
