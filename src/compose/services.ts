import type { Config } from '../config/schema.ts'
import type { AppServices } from '../services/appservices/app-services.ts'
import { composeAccountRooms } from './account-rooms.ts'
import { composeAccounts } from './accounts.ts'
import { composeAppServiceDelivery } from './app-service-delivery.ts'
import { composeAppServiceQueries } from './app-service-queries.ts'
import { composeCalls } from './calls.ts'
import { composeDelayedEvents } from './delayed-events.ts'
import { composeDiscovery } from './discovery.ts'
import { composeFederation } from './federation.ts'
import type { Ground } from './ground.ts'
import { composeIncoming } from './incoming.ts'
import { composeKeys } from './keys.ts'
import { composeMedia } from './media.ts'
import { composeOutgoing } from './outgoing.ts'
import { composeOwnData } from './own-data.ts'
import { composeOwnKeys } from './own-keys.ts'
import { composePreviews } from './previews.ts'
import { composePushers } from './pushers.ts'
import { composeReading } from './reading.ts'
import { composeRooms } from './rooms.ts'
import { composeServerNotices } from './server-notices.ts'
import { composeSlidingSync } from './sliding-sync.ts'
import { composeSpaces } from './spaces.ts'
import { composeSync } from './sync.ts'

/** What routes may use, by name. */
export type Services = Awaited<ReturnType<typeof composeServices>>

/** One line for each family of services. `ground` itself stays out: routes never see the database. */
export async function composeServices(config: Config, ground: Ground, appServices: AppServices) {
  const federation = composeFederation(config, ground)
  const accounts = composeAccounts(config, ground, federation, appServices)
  const asked = composeAppServiceQueries(config, ground, appServices)
  const own = composeOwnData(config, ground)
  const rooms = composeRooms(
    config,
    ground,
    {
      profileOf: async (userId) => {
        await asked.appServiceQueries.ensureUser(userId)
        return accounts.profiles.profileOf(userId)
      },
      ensureUser: (userId) => asked.appServiceQueries.ensureUser(userId),
      ensureAlias: (alias) => asked.appServiceQueries.ensureAlias(alias),
      refusesInvite: (invitee, sender) => own.inviteRules.refuses(invitee, sender),
      onForgotten: (userId, roomId) => own.userRooms.forget(userId, roomId),
    },
    federation,
    appServices,
  )
  const accountRooms = composeAccountRooms(ground, accounts, rooms)
  const reading = await composeReading(config, ground, accounts, rooms, {
    ignoredUsers: (userId) => own.ignoredUsers.of(userId),
    threadFollowing: own.threadFollowing,
    accountDataOf: (userNid, roomNid) => own.accountData.ofRoom(userNid, roomNid),
    hidesInvite: (invitee, sender) => own.inviteRules.hides(invitee, sender),
  })
  const keys = composeKeys(config, ground, { federation, ...rooms, ...own, ...accounts })
  const sync = composeSync(config, ground, own, { ...accounts, ...rooms, ...reading, ...keys })
  composeOutgoing(config, ground, federation.sender, { ...rooms, ...sync })
  composeIncoming(ground, { ...rooms, ...sync })
  const { guardedClient } = federation
  const pushers = composePushers(config, ground, { guardedClient, ...rooms, ...own, ...sync })
  const told = composeAppServiceDelivery(ground, appServices, {
    ...asked,
    ...accounts,
    ...rooms,
    ...reading,
    ...keys,
    ...sync,
  })
  const media = composeMedia(config, ground, federation)
  return {
    serverName: config.server_name,
    discovery: composeDiscovery(config),
    ...federation.services,
    ...accounts,
    ...rooms,
    ...accountRooms,
    ...composeDelayedEvents(config, ground, rooms),
    ...composeServerNotices(config, ground, accounts.accounts, own.tags, rooms),
    ...composeSpaces(ground, federation, rooms),
    ...reading,
    ...own,
    ...keys,
    ...composeOwnKeys(ground, accounts),
    ...sync,
    ...composeSlidingSync(ground, own, { ...rooms, ...reading }, { ...accounts, ...keys }, sync),
    ...pushers,
    ...asked,
    ...told,
    ...media,
    ...composePreviews(config, ground, media),
    ...composeCalls(config, ground),
  }
}
