import type { Letter } from '../../../federation/sending/edu.ts'
import { serverOf, type UserId } from '../../../matrix/ids.ts'
import type { JsonObject } from '../../../matrix/json.ts'
import type { Messages } from '../device-messages.ts'

interface Sending {
  readonly sender: UserId
  readonly type: string
  readonly messages: Messages
  newMessageId(): string
}

/** More than this in one EDU is refused by other servers; a single message that is larger goes alone. */
const MAX_EDU_BYTES = 64 * 1024
/** For what stands around the messages. */
const FRAME_BYTES = 1024

/** Messages to devices of other servers as `m.direct_to_device`, as few for each server as hold them all. */
export function toDeviceLetters({ sender, type, messages, newMessageId }: Sending): Letter[] {
  return [...Map.groupBy(messages, ([userId]) => serverOf(userId))].flatMap(([server, ofServer]) =>
    [...parts(ofServer)].map((part) => ({
      servers: [server],
      edu: { type: 'm.direct_to_device', content: { sender, type, message_id: newMessageId(), messages: part } },
    })),
  )
}

/** `{ userId: { deviceId: content } }`, in pieces that fit. */
function* parts(messages: readonly (readonly [UserId, ReadonlyMap<string, JsonObject>])[]): Generator<JsonObject> {
  let part = new Map<UserId, Map<string, JsonObject>>()
  let bytes = FRAME_BYTES
  for (const [userId, devices] of messages) {
    for (const [deviceId, content] of devices) {
      const size = Buffer.byteLength(JSON.stringify([userId, deviceId, content]))
      if (bytes + size > MAX_EDU_BYTES && part.size > 0) {
        yield objectOf(part)
        part = new Map()
        bytes = FRAME_BYTES
      }
      const ofUser = part.get(userId) ?? new Map<string, JsonObject>()
      part.set(userId, ofUser.set(deviceId, content))
      bytes += size
    }
  }
  if (part.size > 0) yield objectOf(part)
}

const objectOf = (part: ReadonlyMap<UserId, ReadonlyMap<string, JsonObject>>): JsonObject =>
  Object.fromEntries([...part].map(([userId, devices]) => [userId, Object.fromEntries(devices)]))
