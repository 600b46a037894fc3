import type { UserId } from '../../matrix/ids.ts'
import type { JsonObject } from '../../matrix/json.ts'
import type { Txn } from './entry.ts'

/** What a local user wants to send; `Append` makes an event of it. */
export interface Draft {
  type: string
  sender: UserId
  content: JsonObject
  stateKey?: string
  /** The state event that it is to replace: if that is no longer the current one, `M_BAD_STATE`. */
  replaces?: string
  /** The event id that a redaction is about, whatever the room version. */
  redacts?: string
  /** origin_server_ts; only application services may choose it. */
  ts?: number | undefined
}

/** A draft with what its request brings along. */
export interface SendRequest {
  draft: Draft
  txn?: Txn | undefined
}

export interface Sent {
  eventId: string
  /** Position in arrival order: what the next `/sync` of the sender must contain. */
  pos: number
}
