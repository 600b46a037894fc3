import { notFound } from '../../matrix/errors.ts'
import { stableVersionIds, unstableVersionIds } from '../../room/versions.ts'
import { route } from '../route.ts'

const NEWEST_MINOR = 19
/** Clients refuse a server that knows none of the versions that they were written for, so the old ones stay. */
const VERSIONS: readonly string[] = [
  ...['r0.0.1', 'r0.1.0', 'r0.2.0', 'r0.3.0', 'r0.4.0', 'r0.5.0', 'r0.6.0', 'r0.6.1'],
  ...Array.from({ length: NEWEST_MINOR }, (_, i) => `v1.${i + 1}`),
]

export const getVersions = route(
  { id: 'client.getVersions', method: 'GET', path: '/_matrix/client/versions', auth: 'none', limit: 'none' },
  async (_input, { discovery }) => ({
    versions: VERSIONS,
    unstable_features: Object.fromEntries(discovery.unstableFeatures.map((name: string) => [name, true])),
  }),
)

export const getCapabilities = route(
  {
    id: 'client.getCapabilities',
    method: 'GET',
    path: ['/_matrix/client/v3/capabilities', '/_matrix/client/r0/capabilities'],
    auth: 'user',
  },
  async ({ requester }, { discovery, loginTokens, thirdPartyIds }) => {
    const profile = { enabled: discovery.mayChangeProfile || requester.appservice !== undefined }
    return {
      capabilities: {
        'm.change_password': { enabled: discovery.mayChangePassword },
        'm.room_versions': {
          default: discovery.defaultRoomVersion,
          available: Object.fromEntries([
            ...stableVersionIds().map((id) => [id, 'stable']),
            ...unstableVersionIds().map((id) => [id, 'unstable']),
          ]),
        },
        'm.set_displayname': profile,
        'm.set_avatar_url': profile,
        'm.profile_fields': profile,
        'm.3pid_changes': { enabled: thirdPartyIds.areChangeable },
        'm.get_login_token': { enabled: loginTokens.isEnabled },
        'org.matrix.msc4140.delayed_events': {
          max_delay_ms: discovery.delayedEvents.maxDelayMs,
          max_scheduled: discovery.delayedEvents.maxPerUser,
        },
        'm.forget_forced_upon_leave': { enabled: false },
        'io.element.msc4452.preview_url': { enabled: discovery.hasPreviews },
        ...(requester.isAdmin && { 'm.account_moderation': { lock: true, suspend: true } }),
      },
    }
  },
)

export const getWellknownSupport = route(
  {
    id: 'wellknown.getWellknownSupport',
    method: 'GET',
    path: '/.well-known/matrix/support',
    auth: 'none',
    limit: 'none',
  },
  async (_input, { discovery }) => {
    if (discovery.support === undefined) throw notFound('This server names nobody')
    return discovery.support
  },
)

export const getWellknown = route(
  { id: 'wellknown.getWellknown', method: 'GET', path: '/.well-known/matrix/client', auth: 'none', limit: 'none' },
  async (_input, { discovery }) => {
    if (discovery.publicUrl === undefined) throw notFound('This server publishes no discovery information')
    return { ...discovery.wellKnown, 'm.homeserver': { base_url: discovery.publicUrl } }
  },
)
