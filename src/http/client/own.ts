import { forbidden } from '../../matrix/errors.ts'
import type { UserId } from '../../matrix/ids.ts'
import type { Requester } from '../route.ts'

/** Refuses what a path says of another user. */
export function requireSelf(requester: Requester, userId: UserId): void {
  if (requester.userId !== userId) throw forbidden('This belongs to another user')
}
