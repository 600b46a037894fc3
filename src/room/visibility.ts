import type { Pdu } from './event.ts'

/** Who may read what is sent while this is the room's setting (client-server API: Room history visibility). */
export type HistoryVisibility = 'world_readable' | 'shared' | 'invited' | 'joined'

/** What the state of a room, before or after an event, says about one reader. */
export interface Sight {
  readonly visibility: HistoryVisibility
  /** The reader's membership; `undefined` where there never was one. */
  readonly membership: string | undefined
}

/** The setting of a `m.room.history_visibility` event; `shared` where there is none, or none that is understood. */
export function historyVisibilityOf(event: Pdu | undefined): HistoryVisibility {
  const value = event?.content.history_visibility
  return value === 'world_readable' || value === 'invited' || value === 'joined' ? value : 'shared'
}

/**
 * Whether a user may read an event, by the state before and after it. `joinedLater`: they were joined at some point
 * after the event, whether or not they still are.
 */
export function maySee(event: Pdu, userId: string, before: Sight, after: Sight, joinedLater: boolean): boolean {
  // Who could read before or after such a change may read the change.
  const isChange =
    event.type === 'm.room.history_visibility' || (event.type === 'm.room.member' && event.state_key === userId)
  return sees(after, joinedLater) || (isChange && sees(before, joinedLater))
}

/** The rules of the specification (Server behaviour) for one state. */
function sees({ visibility, membership }: Sight, joinedLater: boolean): boolean {
  // Rules 1 and 2.
  if (visibility === 'world_readable' || membership === 'join') return true
  // Rule 3.
  if (visibility === 'shared') return joinedLater
  // Rules 4 and 5.
  return visibility === 'invited' && membership === 'invite'
}
