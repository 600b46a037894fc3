/**
 * What differs between room versions (spec: rooms/). Algorithms read these flags; they never compare version names.
 * Each version is the previous one plus its differences.
 */
export interface RoomVersion {
  readonly id: string
  /** Form of event ids: chosen by the sender, or the reference hash in one of two base64 alphabets. */
  readonly eventId: 'random' | 'hash' | 'hash-urlsafe'
  readonly stateRes: 'v1' | 'v2' | 'v2.1'
  /** Redaction is authorised by rule 11 (v1, v2) or applied later when both events are known. */
  readonly redactionAuthRule: boolean
  /** m.room.aliases has an authorisation rule of its own and is kept in part when redacted. */
  readonly aliasesRule: boolean
  readonly strictCanonicalJson: boolean
  readonly enforceKeyValidity: boolean
  /** `notifications` of power levels take part in the power-level rule. */
  readonly notificationsRule: boolean
  readonly knock: boolean
  readonly restricted: boolean
  /** join_authorised_via_users_server survives redaction. */
  readonly keepsJoinAuthorised: boolean
  readonly knockRestricted: boolean
  readonly integerPowerLevels: boolean
  /** `redacts` lives in content; create's creator is its sender; the v11 redaction list. */
  readonly redactsInContent: boolean
  readonly implicitCreator: boolean
  readonly redaction11: boolean
  /** Ids from other servers are limited to 255 bytes; before, to as many code points. */
  readonly byteLimits: boolean
  /** Room id is the hash of the create event, which is never listed in auth_events. */
  readonly createHashRoomId: boolean
  /** Creators (sender and additional_creators) have infinite power. */
  readonly privilegedCreators: boolean
  /** A state key that begins with a user id is that user's, and those may set it who outrank the user (MSC3757). */
  readonly ownedState: boolean
}

const v1: RoomVersion = {
  id: '1',
  eventId: 'random',
  stateRes: 'v1',
  redactionAuthRule: true,
  aliasesRule: true,
  strictCanonicalJson: false,
  enforceKeyValidity: false,
  notificationsRule: false,
  knock: false,
  restricted: false,
  keepsJoinAuthorised: false,
  knockRestricted: false,
  integerPowerLevels: false,
  redactsInContent: false,
  implicitCreator: false,
  redaction11: false,
  byteLimits: false,
  createHashRoomId: false,
  privilegedCreators: false,
  ownedState: false,
}
const v2: RoomVersion = { ...v1, id: '2', stateRes: 'v2' }
const v3: RoomVersion = { ...v2, id: '3', eventId: 'hash', redactionAuthRule: false }
const v4: RoomVersion = { ...v3, id: '4', eventId: 'hash-urlsafe' }
const v5: RoomVersion = { ...v4, id: '5', enforceKeyValidity: true }
const v6: RoomVersion = { ...v5, id: '6', strictCanonicalJson: true, aliasesRule: false, notificationsRule: true }
const v7: RoomVersion = { ...v6, id: '7', knock: true }
const v8: RoomVersion = { ...v7, id: '8', restricted: true }
const v9: RoomVersion = { ...v8, id: '9', keepsJoinAuthorised: true }
const v10: RoomVersion = { ...v9, id: '10', knockRestricted: true, integerPowerLevels: true }
const v11: RoomVersion = {
  ...v10,
  id: '11',
  redactsInContent: true,
  implicitCreator: true,
  redaction11: true,
  byteLimits: true,
}
const v12: RoomVersion = { ...v11, id: '12', stateRes: 'v2.1', createHashRoomId: true, privilegedCreators: true }
const owned10: RoomVersion = { ...v10, id: 'org.matrix.msc3757.10', ownedState: true }
const owned11: RoomVersion = { ...v11, id: 'org.matrix.msc3757.11', ownedState: true }

const STABLE = [v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12]
const UNSTABLE = [owned10, owned11]
const VERSIONS = new Map([...STABLE, ...UNSTABLE].map((v) => [v.id, v]))

/** The version that the specification recommends for new rooms. */
export const DEFAULT_ROOM_VERSION = '12'
/** undefined: a version that this server does not know. */
export const roomVersion = (id: string): RoomVersion | undefined => VERSIONS.get(id)
/** The versions of the specification. */
export const stableVersionIds = (): string[] => STABLE.map(({ id }) => id)
/** Versions of proposals: nobody should use them for rooms that are to stay. */
export const unstableVersionIds = (): string[] => UNSTABLE.map(({ id }) => id)
/** All that this server knows. */
export const roomVersionIds = (): string[] => [...VERSIONS.keys()]
