import type { Config } from '../config/schema.ts'
import type { Discovery } from '../services/discovery.ts'

/** Features that clients look for by name before the specification has them. Only what works is named. */
const UNSTABLE_FEATURES: readonly string[] = []

export const composeDiscovery = (config: Config): Discovery => ({
  publicUrl: config.public_url,
  wellKnown: config.well_known,
  unstableFeatures: UNSTABLE_FEATURES,
  defaultRoomVersion: config.rooms.default_version,
  mayChangePassword: config.passwords.change,
  mayChangeProfile: config.profiles.change,
})
