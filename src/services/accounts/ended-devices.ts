import { type DeviceChoice, deleteDevices } from '../../storage/accounts/devices.ts'
import type { Tx } from '../../storage/db.ts'
import type { Owner } from '../account-data/account-data.ts'
import type { DeviceLists } from '../keys/device-lists.ts'
import type { Take } from '../stream.ts'

/**
 * Part of a write of the stream: ends devices of a user, so that nothing is left of them and those who may have sent
 * them keys learn it. Returns their nids, whose sessions are to be forgotten, and what to announce.
 */
export async function endDevices(
  lists: DeviceLists,
  tx: Tx,
  take: Take,
  owner: Owner,
  choice: DeviceChoice,
): Promise<{ value: number[]; announce?: () => void }> {
  const gone = await deleteDevices(tx, owner.userNid, choice)
  const nids = gone.map(({ nid }) => nid)
  const deviceIds = gone.filter(({ wasPublished }) => wasPublished).map(({ deviceId }) => deviceId)
  if (deviceIds.length === 0) return { value: nids }
  const announce = await lists.note(tx, take, owner, { deviceIds })
  return { value: nids, announce }
}
