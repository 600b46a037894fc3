import type { JsonObject } from '../../matrix/json.ts'
import type { ShownPusherRow } from '../../storage/push/pushers.ts'

/** A pusher as its user sees it. */
export interface ShownPusher {
  readonly appId: string
  readonly pushkey: string
  readonly appDisplayName: string
  readonly deviceDisplayName: string
  readonly profileTag: string | undefined
  readonly lang: string
  readonly data: JsonObject
  readonly isEnabled: boolean
  /** The device that set it. */
  readonly deviceId: string
}

export const shownPusher = (row: ShownPusherRow): ShownPusher => ({
  appId: row.app_id,
  pushkey: row.pushkey,
  appDisplayName: row.app_display_name,
  deviceDisplayName: row.device_display_name,
  profileTag: row.profile_tag ?? undefined,
  lang: row.lang,
  data: JSON.parse(row.data) as JsonObject,
  isEnabled: row.enabled === 1,
  deviceId: row.device_id,
})
