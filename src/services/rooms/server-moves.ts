import { serverOf } from '../../matrix/ids.ts'
import type { StateEdit } from './entry.ts'

/** A member of a server joined a room, or left it. */
export interface Move {
  readonly server: string
  readonly by: 1 | -1
}

/** How a change of the state moves a member; undefined: not at all. */
export function moveOf({ event, replaces }: StateEdit): Move | undefined {
  const member = event ?? replaces
  if (member?.type !== 'm.room.member') return undefined
  const [before, after] = [replaces?.membership === 'join', event?.membership === 'join']
  return before === after ? undefined : { server: serverOf(member.stateKey ?? ''), by: after ? 1 : -1 }
}

/** Counts a move. A server without joined members is not in the room. */
export function applyMove(joined: Map<string, number>, { server, by }: Move): void {
  const count = (joined.get(server) ?? 0) + by
  if (count > 0) joined.set(server, count)
  else joined.delete(server)
}

/** Whether other servers than ours are in a room. */
export const hasOthers = (servers: ReadonlyMap<string, number>, serverName: string): boolean =>
  servers.size > (servers.has(serverName) ? 1 : 0)
