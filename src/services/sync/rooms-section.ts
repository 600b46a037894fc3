import { LongText } from '../../util/long-text.ts'
import { Turn } from '../../util/turn.ts'
import type { AccountData } from '../account-data/account-data.ts'
import { GLOBAL } from '../account-data/account-data.ts'
import type { InviteRules } from '../account-data/invite-rules.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import type { LiveRooms } from '../rooms/live-rooms.ts'
import { composeInvitedRoom } from './invited-room.ts'
import { JoinedRoom, type JoinedRoomDeps } from './joined-room.ts'
import { composeLeftRoom } from './left-room.ts'
import { type Contribution, isNewTo, NOTHING_NEW, type SyncContext, type SyncSection } from './request.ts'
import type { RoomOfUser } from './user-rooms.ts'

interface Deps extends JoinedRoomDeps {
  rooms: LiveRooms
  accountData: AccountData
  inviteRules: InviteRules
}

const SECTIONS = ['join', 'invite', 'knock', 'leave'] as const
type SectionName = (typeof SECTIONS)[number]

/** The `rooms` of an answer. */
export class RoomsSection implements SyncSection {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  async contribute(context: SyncContext): Promise<Contribution> {
    const accountData = await this.#accountDataByRoom(context)
    const bySection = Map.groupBy(await this.#concerned(context, accountData), sectionOf)
    const text = new LongText()
    for (const name of SECTIONS) {
      const rooms = bySection.get(name)
      if (!rooms) continue
      const entries = await this.#entries(context, name, rooms, accountData)
      if (entries.isEmpty) continue
      text.push(text.isEmpty ? '"rooms":{' : ',')
      text.push(`"${name}":{`)
      text.push(entries)
      text.push('}')
    }
    if (text.isEmpty) return NOTHING_NEW
    text.push('}')
    return { text, isNews: true }
  }

  async #entries(
    context: SyncContext,
    section: SectionName,
    rooms: readonly RoomOfUser[],
    accountData: ReadonlyMap<number, string[]>,
  ): Promise<LongText> {
    const entries = new LongText()
    const turn = new Turn()
    for (const mine of rooms) {
      const room = await this.#deps.rooms.find(mine.roomId)
      const text = room && (await this.#compose(context, room, mine, section, accountData))
      if (text) entries.pushItem(new LongText(`${JSON.stringify(mine.roomId)}:`, text))
      if (turn.isOver) await turn.give()
    }
    return entries
  }

  /** The rooms that may have something to tell. */
  async #concerned(context: SyncContext, accountData: ReadonlyMap<number, string[]>): Promise<RoomOfUser[]> {
    const { since, fullState, filter, viewer, rooms } = context
    const { changes, typing } = this.#deps
    const candidates = [...rooms.values()].filter((mine) => filter.admitsRoom(mine.roomId))
    if (since === undefined) {
      // NOTSPEC: as on Synapse, of the rooms that were left those are shown out of which others put the user: a client that
      // begins right then would never tell of it.
      const isShown = (mine: RoomOfUser) => !mine.forgotten && (filter.includeLeave || mine.senderId !== viewer.userId)
      return candidates.filter((mine) => sectionOf(mine) !== 'leave' || isShown(mine))
    }
    const hasChanged = await changes.after(viewer.userNid, since.pos)
    return candidates.filter((mine) => {
      // NOTSPEC: a room that was left and forgotten since is still told of: other devices would never know.
      if (mine.pos > since.pos) return true
      if (mine.membership !== 'join') return fullState && sectionOf(mine) !== 'leave'
      return (
        fullState ||
        hasChanged(mine.roomNid) ||
        accountData.has(mine.roomNid) ||
        typing.changedSince(mine.roomId, since.n) !== undefined
      )
    })
  }

  async #compose(
    context: SyncContext,
    room: LiveRoom,
    mine: RoomOfUser,
    section: SectionName,
    accountData: ReadonlyMap<number, string[]>,
  ): Promise<string | LongText | undefined> {
    if (section === 'join') {
      // Who wants all members waits until they are known (MSC3902).
      if (room.isPartial && !context.filter.lazyLoadMembers) return undefined
      const isNew = isNewTo(context, mine, room)
      const texts = isNew ? await this.#accountDataOf(context, mine) : (accountData.get(mine.roomNid) ?? [])
      return new JoinedRoom(this.#deps, context, room, mine).compose(texts)
    }
    if (section === 'leave') return composeLeftRoom(this.#deps, context, room, mine)
    if (section === 'invite' && (await this.#deps.inviteRules.hides(context.viewer.userId, mine.senderId)))
      return undefined
    return composeInvitedRoom(this.#deps.db, context, room, section)
  }

  async #accountDataByRoom({ viewer, since, upTo, filter }: SyncContext): Promise<Map<number, string[]>> {
    const byRoom = new Map<number, string[]>()
    for (const row of await this.#deps.accountData.changed(viewer.userNid, since?.pos, upTo.pos)) {
      if (row.room_nid === GLOBAL || !filter.roomAccountData.admits(row)) continue
      const texts = byRoom.get(row.room_nid) ?? []
      texts.push(accountDataText(row))
      byRoom.set(row.room_nid, texts)
    }
    return byRoom
  }

  async #accountDataOf({ viewer, filter }: SyncContext, { roomNid }: RoomOfUser): Promise<string[]> {
    const rows = await this.#deps.accountData.ofRoom(viewer.userNid, roomNid)
    return rows.filter((row) => filter.roomAccountData.admits(row)).map(accountDataText)
  }
}

export const accountDataText = ({ type, content }: { type: string; content: string }): string =>
  `{"type":${JSON.stringify(type)},"content":${content}}`

function sectionOf({ membership }: RoomOfUser): SectionName | undefined {
  if (membership === 'ban' || membership === 'leave') return 'leave'
  return membership === 'join' || membership === 'invite' || membership === 'knock' ? membership : undefined
}
