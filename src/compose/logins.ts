import type { Config } from '../config/schema.ts'
import { Credentials } from '../services/accounts/credentials.ts'
import { EmailProofs } from '../services/accounts/email/email-proofs.ts'
import { ThirdPartyIds } from '../services/accounts/email/third-party-ids.ts'
import { Login } from '../services/accounts/login.ts'
import { LoginTokens } from '../services/accounts/login-tokens.ts'
import { OpenIdTokens } from '../services/accounts/openid-tokens.ts'
import { Passwords } from '../services/accounts/passwords/passwords.ts'
import { Sessions } from '../services/accounts/sessions/sessions.ts'
import { Uia } from '../services/accounts/uia/uia.ts'
import { UiaSessions } from '../services/accounts/uia/uia-sessions.ts'
import type { AppServices } from '../services/appservices/app-services.ts'
import { HOUR_MS } from '../util/clock.ts'
import type { Ground } from './ground.ts'
import { composeMail } from './mail.ts'
import { hashMethodOf, passwordPolicyOf } from './settings.ts'

const MAX_CACHED_TOKENS = 50_000
const MAX_WAITING_PASSWORDS = 200
const LAST_SEEN_EVERY_MS = 60_000
const MAX_UIA_SESSIONS = 10_000
const UIA_SWEEP_MS = 60_000

/** How users prove who they are: passwords, tokens, addresses, and confirming it once more (UIA). */
export function composeLogins(config: Config, ground: Ground, appServices: AppServices) {
  const { db, clock, random, serverName, rateLimits, every, lifetime } = ground
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
  const openIdTokens = new OpenIdTokens({ db, clock, random })
  every(HOUR_MS, 'expiring OpenID tokens', () => openIdTokens.expire())
  return { passwords, sessions, credentials, uiaSessions, uia, thirdPartyIds, loginTokens, login, openIdTokens }
}
