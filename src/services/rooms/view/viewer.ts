import type { UserId } from '../../../matrix/ids.ts'

/** Whose eyes an event is shown to; a route's `Requester` is one. */
export interface Viewer {
  readonly userId: UserId
  readonly userNid: number
  /** The device of the request: only it is told its transaction ids. */
  readonly deviceNid: number
}
