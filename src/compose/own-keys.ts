import type { Uia } from '../services/accounts/uia.ts'
import type { UiaSessions } from '../services/accounts/uia-sessions.ts'
import { CrossSigning } from '../services/keys/cross-signing/cross-signing.ts'
import { KeySignatures } from '../services/keys/cross-signing/key-signatures.ts'
import type { DeviceLists } from '../services/keys/device-lists.ts'
import type { Ground } from './ground.ts'

interface Accounts {
  uia: Uia
  uiaSessions: UiaSessions
  deviceLists: DeviceLists
}

/** What users keep of their own keys, and by which of them they vouch for others. */
export function composeOwnKeys({ db, stream }: Ground, { uia, uiaSessions, deviceLists: lists }: Accounts) {
  const keySignatures = new KeySignatures({ db, stream, lists })
  return {
    keySignatures,
    crossSigning: new CrossSigning({ db, stream, lists, uia, uiaSessions, signatures: keySignatures }),
  }
}
