import { syncToken } from '../tokens.ts'
import type { SubscriptionChange } from './thread-following.ts'

/** Where a page of changes goes on that ended with this one. */
export const pageToken = ({ pos }: SubscriptionChange): string => syncToken(pos - 1, 0)

/** `"subscribed":{…}` and `"unsubscribed":{…}`, by room and root (MSC4308); what would be empty is left out. */
export function changesText(changes: readonly SubscriptionChange[]): string[] {
  const fields: string[] = []
  for (const isSubscribed of [true, false]) {
    const meant = changes.filter((change) => change.isSubscribed === isSubscribed)
    if (meant.length === 0) continue
    const rooms = [...Map.groupBy(meant, ({ roomId }) => roomId)].map(([roomId, threads]) => {
      const texts = threads.map((change) => `${JSON.stringify(change.rootId)}:${changeText(change)}`)
      return `${JSON.stringify(roomId)}:{${texts.join(',')}}`
    })
    fields.push(`"${isSubscribed ? 'subscribed' : 'unsubscribed'}":{${rooms.join(',')}}`)
  }
  return fields
}

const changeText = ({ isSubscribed, isAutomatic, pos }: SubscriptionChange): string =>
  isSubscribed ? `{"automatic":${isAutomatic},"bump_stamp":${pos}}` : `{"bump_stamp":${pos}}`
