import type { RoomEvent } from '../event.ts'

/** Where the states of forks differ. */
export interface Conflict {
  /** Of each fork the events that its state has at keys where not all forks have the same (see `split`). */
  readonly forks: readonly (readonly number[])[]
  readonly create: RoomEvent
}
