import { serverOf, type UserId } from '../../matrix/ids.ts'
import { isObject } from '../../matrix/json.ts'
import * as table from '../../storage/accounts/user-directory.ts'
import type { Tx } from '../../storage/db.ts'
import { indexUser, unindexUser } from './user-index.ts'

/** A member of a room, of whichever server; `content` of the member event, undefined: is joined no more. */
export interface MemberChange {
  readonly userNid: number
  readonly userId: UserId
  readonly content: unknown
}

/** More of them follow in the background. */
export const MAX_REMOTE_AT_ONCE = 10
const MAX_NAME_CHARS = 256

/**
 * Keeps users of other servers in the directory as long as they are in a room that we know: by the name that they last
 * had in one. Returns false if these are too many for one transaction.
 */
export async function followRemoteUsers(
  tx: Tx,
  changes: readonly MemberChange[],
  serverName: string,
): Promise<boolean> {
  const remote = changes.filter(({ userId }) => serverOf(userId) !== serverName)
  const joined = remote.filter(({ content }) => content !== undefined)
  const left = remote.filter(({ content }) => content === undefined)
  if (left.length > 0) {
    const gone = await table.listRoomless(
      tx,
      left.map(({ userNid }) => userNid),
    )
    for (const userNid of gone) await unindexUser(tx, userNid)
  }
  if (joined.length > MAX_REMOTE_AT_ONCE) return false
  for (const member of joined) await indexRemoteUser(tx, member)
  return true
}

/** Part of following many: the members of a room, in pieces. */
export function indexRemoteUser(tx: Tx, { userNid, userId, content }: MemberChange): Promise<void> {
  const { displayname, avatar_url } = isObject(content) ? content : {}
  return indexUser(tx, {
    userNid,
    userId,
    displayName: shortText(displayname),
    avatarUrl: shortText(avatar_url),
    details: undefined,
  })
}

/** What another server sends may hold anything, and NUL goes into no column. */
const shortText = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== ''
    ? value.slice(0, MAX_NAME_CHARS).replaceAll('\u0000', '').normalize('NFC')
    : undefined
