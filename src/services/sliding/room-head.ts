import type { JsonObject } from '../../matrix/json.ts'
import type { Db } from '../../storage/db.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import type { StoredEvent } from '../rooms/stored-event.ts'
import type { Visibility } from '../rooms/view/visibility.ts'
import type { StateReader } from '../sync/state-reader.ts'
import { heroesOf, MAX_HEROES } from '../sync/summary.ts'
import { RequiredState } from './required-state.ts'
import type { RoomQuestion } from './room-answer.ts'

interface Deps {
  readonly db: Db
  readonly state: StateReader
  readonly visibility: Visibility
}

const MEMBER = 'm.room.member'
const NAME = 'm.room.name'
const AVATAR = 'm.room.avatar'
const LOOKED_AT = new RequiredState([
  { include: [NAME, AVATAR].map((type) => [type, '']), exclude: [], lazyMembers: false },
])
const MEMBERS = new RequiredState([{ include: [[MEMBER, null]], exclude: [], lazyMembers: false }])

/**
 * The fields of a room's answer that a room list shows (MSC4186: RoomResult), each as JSON text: all of them where the
 * client begins anew, else those that may be different since. `changed`: the types of state that changed.
 */
export async function headText(
  deps: Deps,
  question: RoomQuestion,
  room: LiveRoom,
  end: number,
  changed: ReadonlySet<string>,
): Promise<string[]> {
  const { context, isInitial } = question
  const fields = commonText(question)
  if (isInitial ? question.isDm : question.sent?.isDm !== question.isDm) fields.push(`"is_dm":${question.isDm}`)
  const mayDiffer = (type: string) => isInitial || changed.has(type)
  const hasMoved = mayDiffer(MEMBER)
  // Of who came and went since, somebody who has left is told nothing.
  if (hasMoved && question.wanted.mine.membership === 'join') {
    fields.push(`"joined_count":${room.counts.get('join') ?? 0}`, `"invited_count":${room.counts.get('invite') ?? 0}`)
  }
  if (!hasMoved && !mayDiffer(NAME) && !mayDiffer(AVATAR)) return fields
  const state = await deps.state.selected(room, end, LOOKED_AT)
  const name = textOf(state, NAME, 'name')
  const avatar = textOf(state, AVATAR, 'url')
  // That something is gone, only the accepted form can say.
  const isShown = (type: string, value: string | undefined) =>
    mayDiffer(type) && (value !== undefined || (!isInitial && context.request.dialect === 'stable'))
  if (isShown(NAME, name)) fields.push(`"name":${JSON.stringify(name ?? null)}`)
  if (isShown(AVATAR, avatar)) fields.push(`"avatar":${JSON.stringify(avatar ?? null)}`)
  if (name === undefined && (hasMoved || mayDiffer(NAME))) {
    fields.push(`"heroes":${JSON.stringify(await heroes(deps, question, room, end))}`)
  }
  return fields
}

/** What is said of every room, whether the user is in it or not. */
export function commonText({ context, wanted, isInitial }: RoomQuestion): string[] {
  const fields = isInitial ? ['"initial":true'] : []
  if (context.request.dialect === 'unstable') return fields
  fields.push(`"membership":${JSON.stringify(wanted.mine.membership)}`)
  if (wanted.lists.length > 0) fields.push(`"lists":${JSON.stringify(wanted.lists)}`)
  return fields
}

function textOf(state: readonly StoredEvent[], type: string, key: string): string | undefined {
  const value = state.find((event) => event.type === type)?.visible.content[key]
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Whom a client names the room after, as their member events show them. */
async function heroes(deps: Deps, question: RoomQuestion, room: LiveRoom, end: number) {
  const isJoined = question.wanted.mine.membership === 'join'
  const found = await (isJoined ? currentHeroes : formerHeroes)(deps, question, room, end)
  return found.map(([user_id, { displayname, avatar_url } = {}]) => ({
    user_id,
    ...(typeof displayname === 'string' && { displayname }),
    ...(typeof avatar_url === 'string' && { avatar_url }),
  }))
}

type Heroes = [userId: string, content: JsonObject | undefined][]

async function currentHeroes(
  { db, state, visibility }: Deps,
  { context: { viewer } }: RoomQuestion,
  room: LiveRoom,
  end: number,
): Promise<Heroes> {
  const userIds = await heroesOf(db, room, viewer.userId)
  const members = await visibility.stateWithoutErased(room, await state.members(room, end, new Set(userIds)), viewer)
  const contents = new Map(members.map((event) => [event.stateKey, event.visible.content]))
  return userIds.map((userId) => [userId, contents.get(userId)])
}

/** Those of when the user left, whoever came and went since. */
async function formerHeroes(
  { state, visibility }: Deps,
  { context: { viewer } }: RoomQuestion,
  room: LiveRoom,
  end: number,
): Promise<Heroes> {
  const members = await state.selected(room, end, MEMBERS)
  const isHere = ({ membership }: StoredEvent) => membership === 'join' || membership === 'invite'
  const others = members.filter(({ stateKey }) => stateKey !== viewer.userId)
  const heroes = others.filter(isHere).sort((a, b) => a.pos - b.pos)
  const named = (heroes.length > 0 ? heroes : others).slice(0, MAX_HEROES)
  const shown = await visibility.stateWithoutErased(room, named, viewer)
  return shown.map(({ stateKey = '', visible }) => [stateKey, visible.content])
}
