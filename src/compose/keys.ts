import type { Config } from '../config/schema.ts'
import type { Edus } from '../services/edus.ts'
import { DeviceKeys } from '../services/keys/device-keys.ts'
import type { DeviceLists } from '../services/keys/device-lists.ts'
import { EncryptionSection } from '../services/keys/encryption-section.ts'
import { KeyClaims } from '../services/keys/key-claims.ts'
import { Keys } from '../services/keys/keys.ts'
import { ToDevice } from '../services/keys/to-device.ts'
import type { Append } from '../services/rooms/append.ts'
import type { UserRooms } from '../services/sync/user-rooms.ts'
import { deleteToDeviceTransactionsBefore } from '../storage/keys/to-device.ts'
import { DAY_MS } from '../util/clock.ts'
import type { Ground } from './ground.ts'
import { composeRemoteKeys } from './remote-keys.ts'

interface Parts {
  federation: Parameters<typeof composeRemoteKeys>[2]['federation']
  append: Append
  edus: Edus
  partialRooms: Parameters<typeof composeRemoteKeys>[2]['partialRooms']
  userRooms: UserRooms
  deviceLists: DeviceLists
}

const DELETE_EVERY_MS = 1_000

/** Keys of devices, and messages between devices. */
export function composeKeys(config: Config, ground: Ground, parts: Parts) {
  const { db, clock, stream, hub, serverName, random, forget, every } = ground
  const { federation, append, userRooms, deviceLists: lists } = parts
  append.onAppended((appended) => lists.onAppended(appended))
  const deviceKeys = new DeviceKeys({ db, stream, lists })
  const claims = new KeyClaims({ db, stream, hub, deviceKeys })
  const toDevice = new ToDevice({
    db,
    clock,
    stream,
    hub,
    sender: federation.sender,
    serverName,
    newMessageId: () => Buffer.from(random(12)).toString('base64url'),
  })
  every(DELETE_EVERY_MS, 'deleting messages that devices have received', () => toDevice.deleteArrived())
  forget(DAY_MS, 'transaction ids of messages to devices', deleteToDeviceTransactionsBefore)
  const { servedKeys, ...remote } = composeRemoteKeys(config, ground, { ...parts, claims, toDevice })
  return {
    deviceKeys,
    keyClaims: claims,
    keys: new Keys({ db, serverName, lists, claims, userRooms, ...remote }),
    servedKeys,
    toDevice,
    encryptionSection: new EncryptionSection({ deviceKeys, lists, toDevice }),
  }
}
