import type { UserId } from '../../matrix/ids.ts'
import type { JsonObject } from '../../matrix/json.ts'

/** Contents by user and device; the device `*` stands for all of the user's. */
export type Messages = ReadonlyMap<UserId, ReadonlyMap<string, JsonObject>>

/** Messages that came from another server. */
export interface ReceivedMessages {
  readonly sender: UserId
  readonly type: string
  readonly messageId: string
  readonly messages: Messages
}

/** As much as an event: keys and secrets take a few kilobytes. */
export const MAX_MESSAGE_BYTES = 64 * 1024

/** Whether this is no more than one message may hold. */
export const isOfSize = (content: JsonObject): boolean =>
  Buffer.byteLength(JSON.stringify(content)) <= MAX_MESSAGE_BYTES
