import type { Config } from '../config/schema.ts'
import type { FederationClient } from '../federation/client.ts'
import { Accounts } from '../services/accounts/accounts.ts'
import { Credentials } from '../services/accounts/credentials.ts'
import { Devices } from '../services/accounts/devices.ts'
import { EmailProofs } from '../services/accounts/email/email-proofs.ts'
import { ThirdPartyIds } from '../services/accounts/email/third-party-ids.ts'
import { Login } from '../services/accounts/login.ts'
import { LoginTokens } from '../services/accounts/login-tokens.ts'
import { AccountModeration } from '../services/accounts/moderation.ts'
import { OpenIdTokens } from '../services/accounts/openid-tokens.ts'
import { OwnAccount } from '../services/accounts/own-account.ts'
import { Passwords } from '../services/accounts/passwords.ts'
import { Registration } from '../services/accounts/registration.ts'
import { RegistrationTokens } from '../services/accounts/registration-tokens.ts'
import { Sessions } from '../services/accounts/sessions.ts'
import { SharedSecret } from '../services/accounts/shared-secret.ts'
import { Uia } from '../services/accounts/uia.ts'
import { UiaSessions } from '../services/accounts/uia-sessions.ts'
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
import { composeMail } from './mail.ts'
import { hashMethodOf, passwordPolicyOf } from './settings.ts'

const MAX_CACHED_TOKENS = 50_000
const MAX_WAITING_PASSWORDS = 200
const LAST_SEEN_EVERY_MS = 60_000
const MAX_UIA_SESSIONS = 10_000
const UIA_SWEEP_MS = 60_000

/** Accounts: logins, passwords, registration, profiles. */
export function composeAccounts(
  config: Config,
  ground: Ground,
  { client }: { client: FederationClient },
  appServices: AppServices,
) {
  const { db, clock, random, serverName, stream, hub, rateLimits, every, lifetime } = ground
  const passwords = new Passwords({
    method: hashMethodOf(config),
    policy: passwordPolicyOf(config),
    maxConcurrent: config.passwords.max_concurrent,
    maxWaiting: MAX_WAITING_PASSWORDS,
    random,
  })
  const sessions = new Sessions({
    db,
    clock,
    random,
    lifetimes: {
      refreshableMs: config.sessions.refreshable_token_lifetime,
      refreshMs: config.sessions.refresh_token_lifetime,
      plainMs: config.sessions.access_token_lifetime,
    },
    maxCachedTokens: MAX_CACHED_TOKENS,
    lastSeenEveryMs: LAST_SEEN_EVERY_MS,
  })
  lifetime.add({ close: () => sessions.flushLastSeen() })
  every(LAST_SEEN_EVERY_MS, 'writing when devices were last seen', () => sessions.flushLastSeen())
  every(HOUR_MS, 'expiring tokens', () => sessions.expire(clock.now()))
  const credentials = new Credentials({
    db,
    serverName,
    passwords,
    countAttempt: (name) => rateLimits.count('login', { userId: name }),
  })
  const uiaSessions = new UiaSessions({
    db,
    clock,
    random,
    lifetimeMs: config.sessions.confirmation_lifetime,
    maxSessions: MAX_UIA_SESSIONS,
  })
  const emailValidations = composeMail(config, ground)
  const emailProofs = new EmailProofs({ db, validations: emailValidations })
  const uia = new Uia({ sessions: uiaSessions, credentials, emailProofs })
  const thirdPartyIds = new ThirdPartyIds({ db, clock, uia, uiaSessions, validations: emailValidations })
  every(UIA_SWEEP_MS, 'ending half-finished confirmations', () => uiaSessions.expire())
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
  const ownAccount = new OwnAccount({
    accounts,
    passwords,
    uia,
    uiaSessions,
    thirdPartyIds,
    mayChangePassword: config.passwords.change,
  })
  const loginTokens = new LoginTokens({
    db,
    clock,
    random,
    uia,
    uiaSessions,
    lifetimeMs: config.sessions.login_tokens ? config.sessions.login_token_lifetime : undefined,
  })
  every(HOUR_MS, 'expiring login tokens', () => loginTokens.expire())
  const login = new Login({
    credentials,
    sessions,
    loginTokens,
    byPassword: config.passwords.login,
    byAppService: !appServices.isEmpty,
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
  const openIdTokens = new OpenIdTokens({ db, clock, random })
  every(HOUR_MS, 'expiring OpenID tokens', () => openIdTokens.expire())
  const sharedSecret = new SharedSecret({
    clock,
    random,
    accounts,
    passwords,
    secret: config.registration.shared_secret,
  })
  const userDirectory = new UserDirectory({ db, serverName, showsAll: config.profiles.search === 'everybody' })
  return {
    openIdTokens,
    profiles,
    userDirectory,
    sharedSecret,
    sessions,
    identities: new Identities({ db, sessions, appServices }),
    appServiceAccounts,
    uia,
    uiaSessions,
    accounts,
    ownAccount,
    devices,
    accountModeration: new AccountModeration({ serverName, accounts, devices }),
    deviceLists,
    login,
    loginTokens,
    thirdPartyIds,
    registration,
    registrationTokens,
  }
}
