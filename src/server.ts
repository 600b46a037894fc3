import type { AddressInfo } from 'node:net'
import { composeAccountRooms } from './compose/account-rooms.ts'
import { composeAccounts } from './compose/accounts.ts'
import { composeAppServiceDelivery } from './compose/app-service-delivery.ts'
import { composeAppServiceQueries } from './compose/app-service-queries.ts'
import { composeAppServices } from './compose/app-services.ts'
import { composeCalls } from './compose/calls.ts'
import { composeDelayedEvents } from './compose/delayed-events.ts'
import { composeDiscovery } from './compose/discovery.ts'
import { composeFederation } from './compose/federation.ts'
import { type Edges, type Ground, layGround } from './compose/ground.ts'
import { composeIncoming } from './compose/incoming.ts'
import { composeKeys } from './compose/keys.ts'
import { composeListeners } from './compose/listeners.ts'
import { composeMedia } from './compose/media.ts'
import { composeOutgoing } from './compose/outgoing.ts'
import { composeOwnData } from './compose/own-data.ts'
import { composeOwnKeys } from './compose/own-keys.ts'
import { composePreviews } from './compose/previews.ts'
import { composePushers } from './compose/pushers.ts'
import { composeReading } from './compose/reading.ts'
import { composeRooms } from './compose/rooms.ts'
import { composeServerNotices } from './compose/server-notices.ts'
import { composeSlidingSync } from './compose/sliding-sync.ts'
import { composeSpaces } from './compose/spaces.ts'
import { composeSync } from './compose/sync.ts'
import type { Config } from './config/schema.ts'
import type { AppServices } from './services/appservices/app-services.ts'

export type { Edges } from './compose/ground.ts'

/** What routes may use, by name. */
export type Services = Awaited<ReturnType<typeof composeServices>>

export interface Server {
  readonly services: Services
  /** Starts the background work, then listens. */
  start(): Promise<void>
  /** Listens only; what works in the background stays asleep. */
  listen(): Promise<void>
  /** Where it listens, in the order of the configuration; the socket for the command line is the last. */
  addresses(): (AddressInfo | string)[]
  /**
   * Cuts nothing that was accepted: long polls are answered, background work ends, then the database closes. What is not
   * answered after `graceMs` is cut.
   */
  close(graceMs?: number): Promise<void>
}

/** Builds everything once, in order: each part can use only what stands above it. */
export async function createServer(config: Config, edges: Edges): Promise<Server> {
  const appServices = composeAppServices(config)
  const ground = await layGround(config, edges)
  const services = await composeServices(config, ground, appServices)
  const http = composeListeners(config, ground, services)
  return {
    services,
    start: async () => {
      await ground.lifetime.start()
      await http.listen()
    },
    listen: () => http.listen(),
    addresses: () => http.addresses(),
    close: async (graceMs) => {
      await http.close(graceMs)
      await ground.lifetime.close()
    },
  }
}

/** One line for each family of services. `ground` itself stays out: routes never see the database. */
async function composeServices(config: Config, ground: Ground, appServices: AppServices) {
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
