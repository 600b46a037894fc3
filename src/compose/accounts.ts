import type { Config } from '../config/schema.ts'
import type { FederationClient } from '../federation/client.ts'
import { Accounts } from '../services/accounts/accounts.ts'
import { Devices } from '../services/accounts/devices.ts'
import { AccountModeration } from '../services/accounts/moderation.ts'
import { OwnAccount } from '../services/accounts/own-account.ts'
import { Registration } from '../services/accounts/registration/registration.ts'
import { RegistrationTokens } from '../services/accounts/registration/registration-tokens.ts'
import { SharedSecret } from '../services/accounts/registration/shared-secret.ts'
import { AppServiceAccounts } from '../services/appservices/app-service-accounts.ts'
import type { AppServices } from '../services/appservices/app-services.ts'
import { Identities } from '../services/appservices/identities.ts'
import { DeviceLists } from '../services/keys/device-lists.ts'
import { Profiles } from '../services/profiles/profiles.ts'
import { remoteProfile } from '../services/profiles/remote-profile.ts'
import { UserDirectory } from '../services/user-directory/user-directory.ts'
import { isKnown } from '../storage/accounts/user-directory.ts'
import { isServerInRoomOf } from '../storage/rooms/room-servers.ts'
import { HOUR_MS } from '../util/clock.ts'
import type { Ground } from './ground.ts'
import { composeLogins } from './logins.ts'

/** Accounts: how they are made, what belongs to them, and who is shown what of them. */
export function composeAccounts(
  config: Config,
  ground: Ground,
  { client }: { client: FederationClient },
  appServices: AppServices,
) {
  const { db, clock, random, serverName, stream, hub, lifetime, every } = ground
  const { passwords, credentials, ...logins } = composeLogins(config, ground, appServices)
  const { sessions, uia, uiaSessions, thirdPartyIds } = logins
  const profiles = new Profiles({
    db,
    stream,
    hub,
    serverName,
    lookup: config.profiles.lookup,
    mayChange: config.profiles.change,
    knows: (viewerNid, otherNid) => isKnown(db, viewerNid, otherNid),
    isKnownTo: (server, userNid) => isServerInRoomOf(db, server, userNid),
    remoteProfile: (userId) => remoteProfile(client, userId),
  })
  const deviceLists = new DeviceLists({ db, clock, stream, hub })
  const accounts = new Accounts({
    db,
    clock,
    serverName,
    passwords,
    sessions,
    stream,
    lists: deviceLists,
    isExclusive: (userId) => appServices.isUserTaken(userId),
    profiles,
  })
  const devices = new Devices({ db, stream, lists: deviceLists, sessions, uia })
  every(HOUR_MS, 'ending devices beyond the most that a user may have', () => devices.endExcess())
  const ownAccount = new OwnAccount({
    accounts,
    passwords,
    uia,
    uiaSessions,
    thirdPartyIds,
    mayChangePassword: config.passwords.change,
  })
  const appServiceAccounts = new AppServiceAccounts({ serverName, accounts, sessions, appServices })
  lifetime.add({ start: () => appServiceAccounts.start() })
  const registrationTokens = new RegistrationTokens({ db, clock, random })
  const registration = new Registration({
    registrationTokens,
    random,
    serverName,
    accounts,
    credentials,
    passwords,
    sessions,
    uia,
    uiaSessions,
    thirdPartyIds,
    email: config.registration.email,
    mode: config.registration.mode,
    letsGuestsIn: config.registration.guests,
    policies: config.registration.terms,
  })
  const sharedSecret = new SharedSecret({
    clock,
    random,
    accounts,
    passwords,
    secret: config.registration.shared_secret,
  })
  const userDirectory = new UserDirectory({ db, serverName, showsAll: config.profiles.search === 'everybody' })
  return {
    ...logins,
    profiles,
    userDirectory,
    sharedSecret,
    identities: new Identities({ db, sessions, appServices }),
    appServiceAccounts,
    accounts,
    ownAccount,
    devices,
    accountModeration: new AccountModeration({ serverName, accounts, devices }),
    deviceLists,
    registration,
    registrationTokens,
  }
}
