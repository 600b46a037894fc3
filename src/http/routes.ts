import * as account from './client/account.ts'
import * as accountData from './client/account-data.ts'
import * as admin from './client/admin.ts'
import * as appServices from './client/app-services.ts'
import * as calls from './client/calls.ts'
import * as createRoom from './client/create-room.ts'
import * as crossSigning from './client/cross-signing.ts'
import * as dehydratedDevices from './client/dehydrated-devices.ts'
import * as delayedEvents from './client/delayed-events.ts'
import * as devices from './client/devices.ts'
import * as directory from './client/directory.ts'
import * as emailValidation from './client/email-validation.ts'
import * as filter from './client/filter.ts'
import * as keyBackup from './client/key-backup.ts'
import * as keyBackupVersions from './client/key-backup-versions.ts'
import * as keys from './client/keys.ts'
import * as login from './client/login.ts'
import * as loginFallback from './client/login-fallback.ts'
import * as logout from './client/logout.ts'
import * as media from './client/media.ts'
import * as messages from './client/messages.ts'
import * as mutualRooms from './client/mutual-rooms.ts'
import * as notifications from './client/notifications.ts'
import * as oldSync from './client/old-sync.ts'
import * as openId from './client/openid.ts'
import * as presence from './client/presence.ts'
import * as profile from './client/profile.ts'
import * as pushRules from './client/push-rules.ts'
import * as pushers from './client/pushers.ts'
import * as readMarker from './client/read-marker.ts'
import * as receipts from './client/receipts.ts'
import * as register from './client/register.ts'
import * as relations from './client/relations.ts'
import * as reports from './client/reports.ts'
import * as roomMembership from './client/room-membership.ts'
import * as roomState from './client/room-state.ts'
import * as roomSummary from './client/room-summary.ts'
import * as roomUpgrade from './client/room-upgrade.ts'
import * as search from './client/search.ts'
import * as send from './client/send.ts'
import * as slidingSync from './client/sliding-sync.ts'
import * as spaces from './client/spaces.ts'
import * as sync from './client/sync.ts'
import * as tags from './client/tags.ts'
import * as thirdParty from './client/third-party.ts'
import * as thirdPartyIds from './client/third-party-ids.ts'
import * as threadSubscriptions from './client/thread-subscriptions.ts'
import * as toDevice from './client/to-device.ts'
import * as typing from './client/typing.ts'
import * as uiaFallback from './client/uia-fallback.ts'
import * as urlPreviews from './client/url-previews.ts'
import * as userDirectory from './client/user-directory.ts'
import * as versions from './client/versions.ts'
import * as federationBackfill from './federation/backfill.ts'
import * as federationEvents from './federation/events.ts'
import * as federationHierarchy from './federation/hierarchy.ts'
import * as federationInvite from './federation/invite.ts'
import * as federationKeys from './federation/keys.ts'
import * as federationMedia from './federation/media.ts'
import * as federationMemberships from './federation/memberships.ts'
import * as federationOpenId from './federation/openid.ts'
import * as federationPolicy from './federation/policy.ts'
import * as federationQueries from './federation/queries.ts'
import * as federationThirdPartyInvites from './federation/third-party-invites.ts'
import * as federationTransactions from './federation/transactions.ts'
import * as federationVersion from './federation/version.ts'
import * as wellKnownServer from './federation/well-known.ts'
import * as serverKeys from './key/server-keys.ts'
import * as localFederation from './local/federation.ts'
import * as localMedia from './local/media.ts'
import * as localNotices from './local/notices.ts'
import * as localReports from './local/reports.ts'
import * as localSearch from './local/search.ts'
import * as localUsers from './local/users.ts'
import type { Route } from './route.ts'
import * as synapseRegister from './synapse-admin/register.ts'
import * as synapseRegistrationTokens from './synapse-admin/registration-tokens.ts'
import * as synapseServerNotices from './synapse-admin/server-notices.ts'

/**
 * The files of `client/`, and what the tools of other servers expect beside it, each a family of endpoints. Every route
 * that one exports is served.
 */
const families: readonly object[] = [
  versions,
  wellKnownServer,
  login,
  logout,
  register,
  account,
  devices,
  profile,
  userDirectory,
  loginFallback,
  uiaFallback,
  synapseRegister,
  synapseRegistrationTokens,
  synapseServerNotices,
  createRoom,
  roomMembership,
  roomUpgrade,
  send,
  delayedEvents,
  directory,
  spaces,
  roomSummary,
  mutualRooms,
  messages,
  search,
  relations,
  reports,
  calls,
  admin,
  roomState,
  oldSync,
  openId,
  sync,
  slidingSync,
  filter,
  typing,
  receipts,
  readMarker,
  accountData,
  tags,
  presence,
  pushRules,
  notifications,
  pushers,
  media,
  urlPreviews,
  keys,
  crossSigning,
  dehydratedDevices,
  keyBackupVersions,
  keyBackup,
  toDevice,
  appServices,
  thirdParty,
  thirdPartyIds,
  emailValidation,
  threadSubscriptions,
]

const isRoute = (value: unknown): value is Route =>
  typeof value === 'object' && value !== null && 'spec' in value && 'handle' in value

const routesOf = (files: readonly object[]): readonly Route[] =>
  files.flatMap((file) => Object.values(file).filter(isRoute))

/** The route table of the client-server API. */
export const clientRoutes = routesOf(families)

/** The route table of the server-server API: what other servers ask. */
export const federationRoutes = routesOf([
  serverKeys,
  federationVersion,
  wellKnownServer,
  federationQueries,
  federationPolicy,
  federationTransactions,
  federationEvents,
  federationBackfill,
  federationMemberships,
  federationInvite,
  federationThirdPartyInvites,
  federationOpenId,
  federationHierarchy,
  federationKeys,
  federationMedia,
])

/** What the command line may ask, through the socket in the data directory. */
export const localRoutes = routesOf([localUsers, localNotices, localReports, localSearch, localFederation, localMedia])
