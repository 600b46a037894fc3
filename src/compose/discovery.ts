import type { Config } from '../config/schema.ts'
import type { JsonObject } from '../matrix/json.ts'
import type { Discovery } from '../services/discovery.ts'

/** Features that clients look for by name before the specification has them. Only what works is named. */
const UNSTABLE_FEATURES: readonly string[] = [
  // Extended profiles: Element publishes time zones only where the flag stands, whatever the version.
  'uk.tcpip.msc4133',
  'uk.tcpip.msc4133.stable',
  // Mutual rooms: web clients ask only under this name.
  'uk.half-shot.msc2666.query_mutual_rooms',
  // Pushers that are switched on and off, also from other devices.
  'org.matrix.msc3881',
  // Account data that can be deleted.
  'org.matrix.msc3391',
  // Invites that are refused or ignored, by lists of users and servers.
  'org.matrix.msc4155',
  // Devices that receive keys while nobody is logged in.
  'org.matrix.msc3814',
  // Sliding sync: Element X looks for this name alone.
  'org.matrix.simplified_msc3575',
  // Following threads, and its part of sliding sync.
  'org.matrix.msc4306',
  'org.matrix.msc4308',
  // Redacting what relates to an event with it.
  'org.matrix.msc3912',
  // Changes of profiles in /sync, under both names, and in sliding sync.
  'org.matrix.msc4429',
  'org.matrix.msc4429.stable',
  'org.matrix.msc4262',
]

/** By these Element learns that the server encrypts such rooms whatever people choose. */
const FORCED_ENCRYPTION: readonly string[] = [
  'io.element.e2ee_forced.private',
  'io.element.e2ee_forced.trusted_private',
]

export const composeDiscovery = (config: Config): Discovery => ({
  publicUrl: config.public_url,
  delegatedServer: config.federation.well_known_server,
  support: supportOf(config),
  wellKnown: { ...encryptionHint(config), ...rtcFoci(config), ...config.well_known },
  unstableFeatures: [
    ...UNSTABLE_FEATURES,
    // Events that are sent later: Element Call has its clients leave by them.
    ...(config.rooms.delayed_events.max_per_user > 0 ? ['org.matrix.msc4140'] : []),
    ...(config.rooms.encryption === 'forced' ? FORCED_ENCRYPTION : []),
  ],
  delayedEvents: delayLimitsOf(config),
  defaultRoomVersion: config.rooms.default_version,
  hasPreviews: config.media.previews.enabled,
  mayChangePassword: config.passwords.change,
  mayChangeProfile: config.profiles.change,
})

export const delayLimitsOf = ({ rooms: { delayed_events: limits } }: Config) => ({
  maxDelayMs: limits.max_delay,
  maxPerUser: limits.max_per_user,
})

/** What Element and its relatives do about encryption when people choose nothing. */
const encryptionHint = ({ rooms: { encryption } }: Config): JsonObject => ({
  'io.element.e2ee': encryption === 'off' ? { default: false, force_disable: true } : { default: true },
})

/** Where MatrixRTC is, for clients that look before they are logged in (MSC4143). */
const rtcFoci = ({ calls: { rtc_transports: transports } }: Config): JsonObject =>
  transports.length === 0 ? {} : { 'org.matrix.msc4143.rtc_foci': transports as JsonObject[] }

function supportOf({ support: { contacts, page } }: Config): JsonObject | undefined {
  if (contacts.length === 0 && page === undefined) return undefined
  return { ...(contacts.length > 0 && { contacts }), ...(page !== undefined && { support_page: page }) }
}
