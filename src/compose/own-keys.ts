import type { Uia } from '../services/accounts/uia/uia.ts'
import type { UiaSessions } from '../services/accounts/uia/uia-sessions.ts'
import { KeyBackups } from '../services/keys/backup/key-backups.ts'
import { RoomKeyBackup } from '../services/keys/backup/room-key-backup.ts'
import { CrossSigning } from '../services/keys/cross-signing/cross-signing.ts'
import { KeySignatures } from '../services/keys/cross-signing/key-signatures.ts'
import { DehydratedDevices } from '../services/keys/dehydrated-devices.ts'
import type { DeviceLists } from '../services/keys/device-lists.ts'
import { DAY_MS } from '../util/clock.ts'
import type { Ground } from './ground.ts'

interface Accounts {
  uia: Uia
  uiaSessions: UiaSessions
  deviceLists: DeviceLists
}

/** What users keep of their own keys, and by which of them they vouch for others. */
export function composeOwnKeys({ db, stream, every }: Ground, { uia, uiaSessions, deviceLists: lists }: Accounts) {
  const keySignatures = new KeySignatures({ db, stream, lists })
  const keyBackups = new KeyBackups(db)
  every(DAY_MS, 'deleting the keys of deleted backups', () => keyBackups.deleteMarked())
  return {
    dehydratedDevices: new DehydratedDevices({ db, stream, lists }),
    keyBackups,
    roomKeyBackup: new RoomKeyBackup({ db, backups: keyBackups }),
    keySignatures,
    crossSigning: new CrossSigning({ db, stream, lists, uia, uiaSessions, signatures: keySignatures }),
  }
}
