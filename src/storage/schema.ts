import type { Generated } from 'kysely'

/** Row types of the tables in `migrations/`. What the columns mean is said there. */
export interface Schema {
  schema_version: SchemaVersionTable
  counter: CounterTable
  setting: SettingTable
  name: NameTable
  room: RoomTable
  event: EventTable
  extremity: ExtremityTable
  missing_event: MissingEventTable
  timeline_gap: TimelineGapTable
  relation: RelationTable
  thread: ThreadTable
  thread_sender: ThreadSenderTable
  redaction: RedactionTable
  search_again: SearchAgainTable
  state: StateTable
  current_state: CurrentStateTable
  state_change: StateChangeTable
  membership: MembershipTable
  alias: AliasTable
  transaction_id: TransactionIdTable
  account: AccountTable
  device: DeviceTable
  access_token: AccessTokenTable
  refresh_token: RefreshTokenTable
  uia_session: UiaSessionTable
  registration_token: RegistrationTokenTable
  profile: ProfileTable
  profile_propagation: ProfilePropagationTable
  directory_user: DirectoryUserTable
  directory_refresh: DirectoryRefreshTable
  directory_term: DirectoryTermTable
  account_data: AccountDataTable
  filter: FilterTable
  receipt: ReceiptTable
  sliding_state: SlidingStateTable
  thread_subscription: ThreadSubscriptionTable
  report: ReportTable
  push_rules: PushRulesTable
  presence: PresenceTable
  server_key: ServerKeyTable
  server_key_answer: ServerKeyAnswerTable
  room_server: RoomServerTable
  partial_room: PartialRoomTable
  partial_event: PartialEventTable
  destination: DestinationTable
  outbox_event: OutboxEventTable
  frozen_room: FrozenRoomTable
  held_event: HeldEventTable
  inbound_transaction: InboundTransactionTable
  outbox_edu: OutboxEduTable
  third_party_id: ThirdPartyIdTable
  email_validation: EmailValidationTable
  mail_queue: MailQueueTable
  notice_room: NoticeRoomTable
  delayed_event: DelayedEventTable
  login_token: LoginTokenTable
  openid_token: OpenIdTokenTable
  media: MediaTable
  url_preview: UrlPreviewTable
  media_quarantine: MediaQuarantineTable
  media_garbage: MediaGarbageTable
  media_use: MediaUseTable
  pusher: PusherTable
  push_queue: PushQueueTable
  appservice_event: AppserviceEventTable
  appservice_to_device: AppserviceToDeviceTable
  appservice_device_list: AppserviceDeviceListTable
  appservice_transaction: AppserviceTransactionTable
  network_room: NetworkRoomTable
  device_key: DeviceKeyTable
  one_time_key: OneTimeKeyTable
  fallback_key: FallbackKeyTable
  device_list: DeviceListTable
  remote_list: RemoteListTable
  remote_device: RemoteDeviceTable
  to_device: ToDeviceTable
  to_device_transaction: ToDeviceTransactionTable
  inbound_message: InboundMessageTable
  cross_signing_key: CrossSigningKeyTable
  dehydrated_device: DehydratedDeviceTable
  key_signature: KeySignatureTable
  key_backup: KeyBackupTable
  key_backup_session: KeyBackupSessionTable
}

export interface SchemaVersionTable {
  version: number
  name: string
}

export interface CounterTable {
  id: number
  pos: number
  back_pos: number
  event_nid: number
}

export interface SettingTable {
  name: string
  value: string
}

export interface NameTable {
  nid: Generated<number>
  text: string
}

export interface RoomTable {
  nid: Generated<number>
  room_id: string
  version: string
  is_public: Generated<number>
  open_to_join: Generated<number>
  open_to_read: Generated<number>
  state_nid: number | null
  min_depth: Generated<number>
  whole_pos: Generated<number>
}

export interface EventTable {
  nid: number
  event_id: string
  room_nid: number
  pos: number | null
  depth: number
  type_nid: number
  sender_nid: number
  key_nid: number | null
  ts: number
  kind: number
  auth: string
  auth_rank: number
  state_nid: number | null
  redacted_by_nid: number | null
  reason: string | null
  json: string
}

export interface ExtremityTable {
  room_nid: number
  event_nid: number
}

export interface MissingEventTable {
  room_nid: number
  event_id: string
  referrer_nid: number
}

export interface TimelineGapTable {
  room_nid: number
  pos: number
}

export interface RelationTable {
  parent_id: string
  pos: number
  event_nid: number
  room_nid: number
  rel_type_nid: number
  type_nid: number
  sender_nid: number
  agg_key: string | null
}

export interface ThreadTable {
  root_id: string
  room_nid: number
  replies: number
  latest_pos: number
  latest_nid: number
}

export interface ThreadSenderTable {
  root_id: string
  room_nid: number
  sender_nid: number
  replies: number
}

export interface SearchAgainTable {
  id: Generated<number>
  event_nid: number
  was_at: number | null
}

export interface RedactionTable {
  redacts_id: string
  event_nid: number
}

export interface StateTable {
  nid: Generated<number>
  root: number | null
  nodes: Uint8Array
}

export interface CurrentStateTable {
  room_nid: number
  type_nid: number
  key_nid: number
  event_nid: number
}

export interface StateChangeTable {
  pos: number
  room_nid: number
  type_nid: number
  key_nid: number
  event_nid: number | null
  prev_event_nid: number | null
}

export interface MembershipTable {
  room_nid: number
  user_nid: number
  membership: string
  event_nid: number
  sender_nid: number
  pos: number
  since_pos: number
  is_local: number
  forgotten: Generated<number>
  stripped_state: string | null
}

export interface AliasTable {
  alias: string
  room_id: string
  creator: string
}

export interface TransactionIdTable {
  device_nid: number
  room_nid: number
  txn_id: string
  event_nid: number
  created_ts: number
}

export interface AccountTable {
  user_nid: number
  user_id: string
  password_hash: string | null
  is_admin: Generated<number>
  is_guest: Generated<number>
  deactivated: Generated<number>
  erased: Generated<number>
  locked: Generated<number>
  suspended: Generated<number>
  user_type: string | null
  appservice_id: string | null
  created_ts: number
}

export interface DeviceTable {
  nid: Generated<number>
  user_nid: number
  device_id: string
  display_name: string | null
  last_seen_ts: number | null
  last_seen_ip: string | null
  user_agent: string | null
}

export interface AccessTokenTable {
  token_hash: string
  user_nid: number
  device_nid: number
  expires_ts: number | null
  created_ts: number
  refresh_token_hash: string | null
}

export interface RefreshTokenTable {
  token_hash: string
  user_nid: number
  device_nid: number
  next_token_hash: string | null
  expires_ts: number | null
  created_ts: number
}

export interface UiaSessionTable {
  session_id: string
  operation: string
  user_nid: number | null
  completed: string
  params: string
  created_ts: number
}

export interface RegistrationTokenTable {
  token: string
  uses_allowed: number | null
  pending: Generated<number>
  completed: Generated<number>
  expires_ts: number | null
}

export interface ProfileTable {
  user_nid: number
  field: string
  value: string
}

export interface ProfilePropagationTable {
  user_nid: number
  version: number
  after_room_nid: number
}

export interface DirectoryUserTable {
  user_nid: number
  user_id: string
  display_name: string | null
  avatar_url: string | null
  details: string | null
  is_open: Generated<number>
}

export interface DirectoryRefreshTable {
  room_nid: number
  version: number
  after_user_nid: number
}

export interface DirectoryTermTable {
  term: string
  user_nid: number
}

export interface AccountDataTable {
  user_nid: number
  room_nid: number
  type: string
  content: string
  pos: number
}

export interface FilterTable {
  user_nid: number
  filter_id: number
  digest: string
  content: string
}

export interface ReceiptTable {
  room_nid: number
  user_nid: number
  type: string
  thread: string
  event_id: string
  event_pos: number
  ts: number
  pos: number
}

export interface SlidingStateTable {
  device_nid: number
  conn_id: string
  id: string
  rooms: string
  used_ts: number
}

export interface ReportTable {
  id: Generated<number>
  reporter: string
  room_id: string | null
  event_id: string | null
  user_id: string | null
  reason: string
  received_ts: number
}

export interface ThreadSubscriptionTable {
  user_nid: number
  room_nid: number
  root_id: string
  subscribed: number
  automatic: number
  unsubscribed_pos: number | null
  pos: number
}

export interface PushRulesTable {
  user_nid: number
  rules: string
  pos: number
}

export interface PresenceTable {
  user_nid: number
  presence: string
  status_msg: string | null
  last_active_ts: number
  pos: number
}

export interface ServerKeyTable {
  server_name: string
  key_id: string
  public_key: string
  valid_until_ts: number
  expired_ts: number | null
}

export interface ServerKeyAnswerTable {
  server_name: string
  json: string
  valid_until_ts: number
  fetched_ts: number
}

export interface RoomServerTable {
  room_nid: number
  server_nid: number
  joined: number
  since_pos: number
  presumed: Generated<number>
}

export interface PartialRoomTable {
  room_nid: number
  join_nid: number
  before_nid: number
  via: string
  attempts: Generated<number>
  retry_at: number
}

export interface PartialEventTable {
  seq: Generated<number>
  event_nid: number
  join_nid: number
}

export interface DestinationTable {
  server_nid: number
  failures: Generated<number>
  failing_since: number | null
  retry_at: Generated<number>
  last_success_ts: number | null
  last_error: string | null
}

export interface OutboxEventTable {
  server_nid: number
  event_nid: number
  room_nid: number
}

export interface FrozenRoomTable {
  room_nid: number
  server_nid: number
  frozen_ts: number
}

export interface HeldEventTable {
  room_nid: number
  event_id: string
  server_nid: number
  received_ts: number
  attempts: Generated<number>
  retry_at: number
  json: string
}

export interface InboundTransactionTable {
  server_nid: number
  txn_id: string
  answer: string
  received_ts: number
}

export interface OutboxEduTable {
  id: Generated<number>
  server_nid: number
  edu: string
}

export interface ThirdPartyIdTable {
  medium: string
  address: string
  user_nid: number
  validated_ts: number
  added_ts: number
}

export interface EmailValidationTable {
  sid: string
  purpose: string
  address: string
  secret_hash: string
  token_hash: string | null
  send_attempt: number
  validated_ts: number | null
  created_ts: number
}

export interface MailQueueTable {
  id: Generated<number>
  recipient: string
  subject: string
  text: string
  attempts: number
  created_ts: number
  retry_at: number
}

export interface NoticeRoomTable {
  user_nid: number
  room_nid: number
}

export interface DelayedEventTable {
  delay_id: string
  user_nid: number
  device_nid: number
  room_nid: number
  txn_id: string | null
  event: string
  delay_ms: number
  send_at: number
}

export interface LoginTokenTable {
  token_hash: string
  user_nid: number
  expires_ts: number
}

export interface OpenIdTokenTable {
  token_hash: string
  user_nid: number
  expires_ts: number
}

export interface PusherTable {
  nid: Generated<number>
  user_nid: number
  device_nid: number
  app_id: string
  pushkey: string
  app_display_name: string
  device_display_name: string
  profile_tag: string | null
  lang: string
  data: string
  enabled: number
  pushkey_ts: number
  since_pos: number
  badge: Generated<number>
  badge_due: Generated<number>
  failures: Generated<number>
  retry_at: Generated<number>
}

export interface PushQueueTable {
  pusher_nid: number
  event_nid: number
  room_nid: number
  actions: string
}

export interface AppserviceEventTable {
  service_nid: number
  event_nid: number
}

export interface AppserviceToDeviceTable {
  service_nid: number
  pos: number
  device_nid: number
}

export interface AppserviceDeviceListTable {
  service_nid: number
  user_nid: number
}

export interface AppserviceTransactionTable {
  service_nid: number
  txn_id: string
  body: string
}

export interface NetworkRoomTable {
  room_nid: number
  service: string
  network: string
}

export interface MediaTable {
  server_name: string
  media_id: string
  user_nid: number | null
  created_ts: number
  used_ts: number | null
  expires_ts: number | null
  hash: string | null
  bytes: number | null
  content_type: string | null
  filename: string | null
}

export interface UrlPreviewTable {
  url_hash: string
  fetched_ts: number
  expires_ts: number
  preview: string | null
}

export interface MediaQuarantineTable {
  what: string
  created_ts: number
}

export interface MediaGarbageTable {
  hash: string
}

export interface MediaUseTable {
  user_nid: number
  day: number
  files: number
  bytes: number
}

export interface DeviceKeyTable {
  device_nid: number
  user_nid: number
  json: string
}

export interface OneTimeKeyTable {
  nid: Generated<number>
  device_nid: number
  algorithm: string
  key_id: string
  json: string
}

export interface FallbackKeyTable {
  device_nid: number
  algorithm: string
  key_id: string
  json: string
  used: Generated<number>
}

export interface DeviceListTable {
  user_nid: number
  pos: number
  ts: number
  version: number
}

export interface RemoteListTable {
  user_nid: number
  server_nid: number
  stream_id: number | null
  pos: number
  is_stale: number
  doubts: number
}

export interface RemoteDeviceTable {
  user_nid: number
  device_id: string
  display_name: string | null
  json: string
}

export interface ToDeviceTable {
  device_nid: number
  pos: number
  json: string
}

export interface ToDeviceTransactionTable {
  device_nid: number
  txn_id: string
  created_ts: number
}

export interface InboundMessageTable {
  server_nid: number
  message_id: string
  received_ts: number
}

export interface DehydratedDeviceTable {
  user_nid: number
  device_nid: number
  data: string
}

export interface CrossSigningKeyTable {
  user_nid: number
  usage: string
  public_key: string
  json: string
}

export interface KeySignatureTable {
  user_nid: number
  target: string
  signer_nid: number
  key_id: string
  signature: string
  pos: number
}

export interface KeyBackupTable {
  user_nid: number
  version: number
  algorithm: string
  auth_data: string
  etag: Generated<number>
  sessions: Generated<number>
  deleted: Generated<number>
}

export interface KeyBackupSessionTable {
  user_nid: number
  version: number
  room_id: string
  session_id: string
  first_message_index: number
  forwarded_count: number
  is_verified: number
  session_data: string
}
