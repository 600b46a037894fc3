import type { Kysely } from 'kysely'
import type { Columns } from '../src/storage/dialect.ts'

/**
 * The first schema. Conventions: `nid` is a number that stands for a text id inside this database only; `pos` is a
 * position of the one stream that `/sync` reports (negative: backfilled); times are milliseconds; flags are 0 or 1;
 * JSON is text. Everything that federation will need is here.
 */
export async function up(db: Kysely<unknown>, c: Columns): Promise<void> {
  const table = (name: string) => db.schema.createTable(name)
  const index = (name: string, on: string, columns: string[], unique = false) => {
    const builder = db.schema.createIndex(name).on(on).columns(columns)
    return (unique ? builder.unique() : builder).execute()
  }

  // One row. `pos`: the last stream position given out; `back_pos`: the lowest one that backfill took (0 or negative);
  // `event_nid`: the last event number.
  await table('counter')
    .addColumn('id', 'bigint', (col) => col.primaryKey())
    .addColumn('pos', 'bigint', (col) => col.notNull())
    .addColumn('back_pos', 'bigint', (col) => col.notNull())
    .addColumn('event_nid', 'bigint', (col) => col.notNull())
    .execute()
  await db
    .insertInto('counter' as never)
    .values({ id: 1, pos: 0, back_pos: 0, event_nid: 0 } as never)
    .execute()

  // Facts about this database: server_name, schema checks.
  await table('setting')
    .addColumn('name', 'text', (col) => col.primaryKey())
    .addColumn('value', 'text', (col) => col.notNull())
    .execute()

  // Interned texts: event types, state keys, user ids, relation types. The text lives once.
  await table('name')
    .addColumn('nid', c.serial, c.serialKey)
    .addColumn('text', 'text', (col) => col.notNull().unique())
    .execute()

  // ---- rooms and events -------------------------------------------------------------------------------------------
  await table('room')
    .addColumn('nid', c.serial, c.serialKey)
    .addColumn('room_id', 'text', (col) => col.notNull().unique())
    .addColumn('version', 'text', (col) => col.notNull())
    .addColumn('is_public', 'smallint', (col) => col.notNull().defaultTo(0))
    // Whether the current state lets everybody join, and lets everybody read.
    .addColumn('open_to_join', 'smallint', (col) => col.notNull().defaultTo(0))
    .addColumn('open_to_read', 'smallint', (col) => col.notNull().defaultTo(0))
    // State at the forward extremities, resolved (a `state` nid).
    .addColumn('state_nid', 'bigint')
    .addColumn('min_depth', 'bigint', (col) => col.notNull().defaultTo(0))
    // Position at which the last join without members was completed; 0: there was none.
    .addColumn('whole_pos', 'bigint', (col) => col.notNull().defaultTo(0))
    .execute()
  await index('room_public', 'room', ['is_public'])

  // kind: 0 timeline, 1 outlier, 2 rejected, 3 soft-failed (distinct, with the reason).
  // auth: JSON array of the auth events' nids; auth_rank: 1 + the highest rank among them.
  // state_nid: the room's state AFTER this event (unknown for outliers).
  // json: the event in federation format without event_id, exactly as hashed and signed; the text is never rebuilt.
  await table('event')
    .addColumn('nid', 'bigint', (col) => col.primaryKey().notNull())
    .addColumn('event_id', 'text', (col) => col.notNull().unique())
    .addColumn('room_nid', 'bigint', (col) => col.notNull())
    .addColumn('pos', 'bigint')
    .addColumn('depth', 'bigint', (col) => col.notNull())
    .addColumn('type_nid', 'bigint', (col) => col.notNull())
    .addColumn('sender_nid', 'bigint', (col) => col.notNull())
    .addColumn('key_nid', 'bigint')
    .addColumn('ts', 'bigint', (col) => col.notNull())
    .addColumn('kind', 'smallint', (col) => col.notNull())
    .addColumn('auth', 'text', (col) => col.notNull())
    .addColumn('auth_rank', 'bigint', (col) => col.notNull())
    .addColumn('state_nid', 'bigint')
    // The redaction that applies to this event, once known (both seen and allowed).
    .addColumn('redacted_by_nid', 'bigint')
    .addColumn('reason', 'text')
    .addColumn('json', 'text', (col) => col.notNull())
    .execute()
  // Room order for /messages and /context is (depth, pos); arrival order for /sync is pos.
  await index('event_room_order', 'event', ['room_nid', 'depth', 'pos'])
  await index('event_room_pos', 'event', ['room_nid', 'pos'])
  // Jump to date.
  await index('event_room_ts', 'event', ['room_nid', 'ts', 'depth', 'pos'])

  await table('extremity')
    .addColumn('room_nid', 'bigint', (col) => col.notNull())
    .addColumn('event_nid', 'bigint', (col) => col.notNull())
    .addPrimaryKeyConstraint('extremity_pk', ['room_nid', 'event_nid'])
    .modifyEnd(c.clustered)
    .execute()

  // prev_events that we do not have: where backfill continues, and what a gap waits for.
  await table('missing_event')
    .addColumn('room_nid', 'bigint', (col) => col.notNull())
    .addColumn('event_id', 'text', (col) => col.notNull())
    .addColumn('referrer_nid', 'bigint', (col) => col.notNull())
    .addPrimaryKeyConstraint('missing_event_pk', ['room_nid', 'event_id', 'referrer_nid'])
    .modifyEnd(c.clustered)
    .execute()

  // Positions of events that came with a gap before them. A timeline that reaches back so far begins there, also when the
  // gap was filled since: what filled it has no place in the order of arrival.
  await table('timeline_gap')
    .addColumn('room_nid', 'bigint', (col) => col.notNull())
    .addColumn('pos', 'bigint', (col) => col.notNull())
    .addPrimaryKeyConstraint('timeline_gap_pk', ['room_nid', 'pos'])
    .modifyEnd(c.clustered)
    .execute()

  // Which event relates to which; a redaction of the child removes the row. pos: of the child, so that a parent's
  // children are read in order of arrival.
  await table('relation')
    .addColumn('room_nid', 'bigint', (col) => col.notNull())
    .addColumn('parent_id', 'text', (col) => col.notNull())
    .addColumn('pos', 'bigint', (col) => col.notNull())
    .addColumn('event_nid', 'bigint', (col) => col.notNull())
    .addColumn('rel_type_nid', 'bigint', (col) => col.notNull())
    .addColumn('type_nid', 'bigint', (col) => col.notNull())
    .addColumn('sender_nid', 'bigint', (col) => col.notNull())
    // The annotation's key, for the duplicate check.
    .addColumn('agg_key', 'text')
    .addPrimaryKeyConstraint('relation_pk', ['room_nid', 'parent_id', 'pos', 'event_nid'])
    .modifyEnd(c.clustered)
    .execute()
  await index('relation_type', 'relation', ['room_nid', 'parent_id', 'rel_type_nid', 'pos'])

  // What relates to `parent_id` is to be redacted for `sender` (MSC3912); children up to `after_pos` have been.
  // `rel_types`: JSON; `content`: of the redactions, JSON.
  await table('related_redaction')
    .addColumn('id', c.serial, c.serialKey)
    .addColumn('room_nid', 'bigint', (col) => col.notNull())
    .addColumn('parent_id', 'text', (col) => col.notNull())
    .addColumn('sender', 'text', (col) => col.notNull())
    .addColumn('rel_types', 'text', (col) => col.notNull())
    .addColumn('content', 'text', (col) => col.notNull())
    .addColumn('after_pos', 'bigint', (col) => col.notNull())
    .execute()

  // The threads of a room by their newest reply, and how many replies each sender has in them.
  await table('thread')
    .addColumn('room_nid', 'bigint', (col) => col.notNull())
    .addColumn('root_id', 'text', (col) => col.notNull())
    .addColumn('replies', 'bigint', (col) => col.notNull())
    .addColumn('latest_pos', 'bigint', (col) => col.notNull())
    .addColumn('latest_nid', 'bigint', (col) => col.notNull())
    .addPrimaryKeyConstraint('thread_pk', ['room_nid', 'root_id'])
    .modifyEnd(c.clustered)
    .execute()
  await index('thread_room', 'thread', ['room_nid', 'latest_pos'])

  await table('thread_sender')
    .addColumn('room_nid', 'bigint', (col) => col.notNull())
    .addColumn('root_id', 'text', (col) => col.notNull())
    .addColumn('sender_nid', 'bigint', (col) => col.notNull())
    .addColumn('replies', 'bigint', (col) => col.notNull())
    .addPrimaryKeyConstraint('thread_sender_pk', ['room_nid', 'root_id', 'sender_nid'])
    .modifyEnd(c.clustered)
    .execute()

  // Redactions whose target is not here yet, or that await it.
  await table('redaction')
    .addColumn('redacts_id', 'text', (col) => col.notNull())
    .addColumn('event_nid', 'bigint', (col) => col.notNull())
    .addPrimaryKeyConstraint('redaction_pk', ['redacts_id', 'event_nid'])
    .modifyEnd(c.clustered)
    .execute()

  // Events that are not what they were: judged again, or gone. The index of texts looks at them once more
  // (storage/search/). was_at: their place in the stream, if they had one.
  await table('search_again')
    .addColumn('id', c.serial, c.serialKey)
    .addColumn('event_nid', 'bigint', (col) => col.notNull())
    .addColumn('was_at', 'bigint')
    .execute()

  // ---- state ------------------------------------------------------------------------------------------------------
  // The state after an event, shared between events: nodes of trees (storage/state/). root: where the tree of this state
  // begins in `nodes`; null where a row only holds nodes of others.
  await table('state')
    .addColumn('nid', c.serial, c.serialKey)
    .addColumn('root', 'bigint')
    .addColumn('nodes', c.bytes, (col) => col.notNull())
    .execute()

  await table('current_state')
    .addColumn('room_nid', 'bigint', (col) => col.notNull())
    .addColumn('type_nid', 'bigint', (col) => col.notNull())
    .addColumn('key_nid', 'bigint', (col) => col.notNull())
    .addColumn('event_nid', 'bigint', (col) => col.notNull())
    .addPrimaryKeyConstraint('current_state_pk', ['room_nid', 'type_nid', 'key_nid'])
    .modifyEnd(c.clustered)
    .execute()

  // One row for each change of current_state, whatever its cause. event_nid is null when an entry went away.
  await table('state_change')
    .addColumn('pos', 'bigint', (col) => col.notNull())
    .addColumn('room_nid', 'bigint', (col) => col.notNull())
    .addColumn('type_nid', 'bigint', (col) => col.notNull())
    .addColumn('key_nid', 'bigint', (col) => col.notNull())
    .addColumn('event_nid', 'bigint')
    .addColumn('prev_event_nid', 'bigint')
    .addPrimaryKeyConstraint('state_change_pk', ['room_nid', 'pos', 'type_nid', 'key_nid'])
    .modifyEnd(c.clustered)
    .execute()
  // The history of one entry: when a user came and went, what the history visibility ever was.
  await index('state_change_entry', 'state_change', ['room_nid', 'type_nid', 'key_nid', 'pos'])

  // Membership of current_state, flat. `pos` is that of the change. An invite or knock of a room that we are not in
  // has stripped state and no event row that a timeline shows.
  await table('membership')
    .addColumn('room_nid', 'bigint', (col) => col.notNull())
    .addColumn('user_nid', 'bigint', (col) => col.notNull())
    .addColumn('membership', 'text', (col) => col.notNull())
    .addColumn('event_nid', 'bigint', (col) => col.notNull())
    .addColumn('sender_nid', 'bigint', (col) => col.notNull())
    .addColumn('pos', 'bigint', (col) => col.notNull())
    // Where this membership began; a change of the profile moves `pos` only.
    .addColumn('since_pos', 'bigint', (col) => col.notNull().defaultTo(0))
    .addColumn('is_local', 'smallint', (col) => col.notNull())
    .addColumn('forgotten', 'smallint', (col) => col.notNull().defaultTo(0))
    .addColumn('stripped_state', 'text')
    .addPrimaryKeyConstraint('membership_pk', ['room_nid', 'user_nid'])
    .modifyEnd(c.clustered)
    .execute()
  await index('membership_user', 'membership', ['user_nid', 'membership', 'room_nid'])
  // The first members by `pos` are a room's heroes.
  await index('membership_room', 'membership', ['room_nid', 'membership', 'pos'])

  await table('alias')
    .addColumn('alias', 'text', (col) => col.primaryKey().notNull())
    .addColumn('room_id', 'text', (col) => col.notNull())
    .addColumn('creator', 'text', (col) => col.notNull())
    .execute()
  await index('alias_room', 'alias', ['room_id'])

  // What a client's transaction id produced (sendMessage, redactEvent …). Expires after a day.
  await table('transaction_id')
    .addColumn('device_nid', 'bigint', (col) => col.notNull())
    .addColumn('room_nid', 'bigint', (col) => col.notNull())
    .addColumn('txn_id', 'text', (col) => col.notNull())
    .addColumn('event_nid', 'bigint', (col) => col.notNull())
    .addColumn('created_ts', 'bigint', (col) => col.notNull())
    .addPrimaryKeyConstraint('transaction_id_pk', ['device_nid', 'room_nid', 'txn_id'])
    .modifyEnd(c.clustered)
    .execute()
  // Also finds the oldest: events are numbered as they come.
  await index('transaction_id_event', 'transaction_id', ['event_nid'])

  // ---- accounts ---------------------------------------------------------------------------------------------------
  await table('account')
    .addColumn('user_nid', 'bigint', (col) => col.primaryKey().notNull())
    .addColumn('user_id', 'text', (col) => col.notNull().unique())
    .addColumn('password_hash', 'text')
    .addColumn('is_admin', 'smallint', (col) => col.notNull().defaultTo(0))
    .addColumn('is_guest', 'smallint', (col) => col.notNull().defaultTo(0))
    .addColumn('deactivated', 'smallint', (col) => col.notNull().defaultTo(0))
    .addColumn('erased', 'smallint', (col) => col.notNull().defaultTo(0))
    .addColumn('locked', 'smallint', (col) => col.notNull().defaultTo(0))
    .addColumn('suspended', 'smallint', (col) => col.notNull().defaultTo(0))
    // Other than a person: 'bot' or 'support'.
    .addColumn('user_type', 'text')
    .addColumn('appservice_id', 'text')
    .addColumn('created_ts', 'bigint', (col) => col.notNull())
    .execute()
  // Who left for good: few of many, and every start asks for them.
  await db.schema
    .createIndex('account_deactivated')
    .on('account')
    .column('user_nid')
    .where('deactivated' as never, '=', 1)
    .execute()

  await table('device')
    .addColumn('nid', c.serial, c.serialKey)
    .addColumn('user_nid', 'bigint', (col) => col.notNull())
    .addColumn('device_id', 'text', (col) => col.notNull())
    .addColumn('display_name', 'text')
    .addColumn('last_seen_ts', 'bigint')
    .addColumn('last_seen_ip', 'text')
    .addColumn('user_agent', 'text')
    .execute()
  await index('device_user', 'device', ['user_nid', 'device_id'], true)

  // SHA-256 of the token, base64url; the token itself is never stored.
  await table('access_token')
    .addColumn('token_hash', 'text', (col) => col.primaryKey().notNull())
    .addColumn('user_nid', 'bigint', (col) => col.notNull())
    .addColumn('device_nid', 'bigint', (col) => col.notNull())
    .addColumn('expires_ts', 'bigint')
    .addColumn('created_ts', 'bigint', (col) => col.notNull())
    // The refresh token that came with it: using either revokes the one before (storage/accounts/tokens.ts).
    .addColumn('refresh_token_hash', 'text')
    .execute()
  await index('access_token_device', 'access_token', ['device_nid'])
  await index('access_token_expires', 'access_token', ['expires_ts'])

  // A refresh token is spent when its successor is used (spec: refreshing access tokens).
  await table('refresh_token')
    .addColumn('token_hash', 'text', (col) => col.primaryKey().notNull())
    .addColumn('user_nid', 'bigint', (col) => col.notNull())
    .addColumn('device_nid', 'bigint', (col) => col.notNull())
    .addColumn('next_token_hash', 'text')
    .addColumn('expires_ts', 'bigint')
    .addColumn('created_ts', 'bigint', (col) => col.notNull())
    .execute()
  await index('refresh_token_device', 'refresh_token', ['device_nid'])
  await index('refresh_token_expires', 'refresh_token', ['expires_ts'])

  await table('uia_session')
    .addColumn('session_id', 'text', (col) => col.primaryKey().notNull())
    // Method and path, so that a session serves one operation only.
    .addColumn('operation', 'text', (col) => col.notNull())
    .addColumn('user_nid', 'bigint')
    .addColumn('completed', 'text', (col) => col.notNull())
    .addColumn('params', 'text', (col) => col.notNull())
    .addColumn('created_ts', 'bigint', (col) => col.notNull())
    .execute()
  await index('uia_session_created', 'uia_session', ['created_ts'])

  await table('registration_token')
    .addColumn('token', 'text', (col) => col.primaryKey().notNull())
    .addColumn('uses_allowed', 'bigint')
    .addColumn('pending', 'bigint', (col) => col.notNull().defaultTo(0))
    .addColumn('completed', 'bigint', (col) => col.notNull().defaultTo(0))
    .addColumn('expires_ts', 'bigint')
    .execute()

  // ---- a user's own data ------------------------------------------------------------------------------------------
  await table('profile')
    .addColumn('user_nid', 'bigint', (col) => col.notNull())
    .addColumn('field', 'text', (col) => col.notNull())
    // Null: the field was taken away, at `pos`.
    .addColumn('value', 'text')
    .addColumn('pos', 'bigint', (col) => col.notNull().defaultTo(0))
    .addPrimaryKeyConstraint('profile_pk', ['user_nid', 'field'])
    .modifyEnd(c.clustered)
    .execute()
  await index('profile_pos', 'profile', ['pos'])

  // A displayed profile changed: the user's member events follow, room by room. `after_room_nid`: the last room that has
  // its own; `version` counts the changes, so that a newer one begins anew.
  await table('profile_propagation')
    .addColumn('user_nid', 'bigint', (col) => col.primaryKey().notNull())
    .addColumn('version', 'bigint', (col) => col.notNull())
    .addColumn('after_room_nid', 'bigint', (col) => col.notNull())
    .execute()

  // Who can be found: our users by the public profile, those of other servers as members of rooms that we know. `details`:
  // what else one finds them by (department, position, extension). `is_open`: is in a room that everybody may join or read.
  await table('directory_user')
    .addColumn('user_nid', 'bigint', (col) => col.primaryKey().notNull())
    .addColumn('user_id', 'text', (col) => col.notNull())
    .addColumn('display_name', 'text')
    .addColumn('avatar_url', 'text')
    .addColumn('details', 'text')
    .addColumn('is_open', 'smallint', (col) => col.notNull().defaultTo(0))
    .execute()

  // Large rooms that were opened or closed, and up to which member `is_open` has followed.
  await table('directory_refresh')
    .addColumn('room_nid', 'bigint', (col) => col.primaryKey().notNull())
    .addColumn('version', 'bigint', (col) => col.notNull())
    .addColumn('after_user_nid', 'bigint', (col) => col.notNull())
    .execute()

  // By which words one finds them (services/user-directory/search-terms.ts).
  await table('directory_term')
    .addColumn('term', 'text', (col) => col.notNull())
    .addColumn('user_nid', 'bigint', (col) => col.notNull())
    .addPrimaryKeyConstraint('directory_term_pk', ['term', 'user_nid'])
    .modifyEnd(c.clustered)
    .execute()

  // room_nid 0: global.
  await table('account_data')
    .addColumn('user_nid', 'bigint', (col) => col.notNull())
    .addColumn('room_nid', 'bigint', (col) => col.notNull())
    .addColumn('type', 'text', (col) => col.notNull())
    .addColumn('content', 'text', (col) => col.notNull())
    .addColumn('pos', 'bigint', (col) => col.notNull())
    .addPrimaryKeyConstraint('account_data_pk', ['user_nid', 'room_nid', 'type'])
    .modifyEnd(c.clustered)
    .execute()
  await index('account_data_pos', 'account_data', ['user_nid', 'pos'])

  await table('filter')
    .addColumn('user_nid', 'bigint', (col) => col.notNull())
    .addColumn('filter_id', 'bigint', (col) => col.notNull())
    .addColumn('digest', 'text', (col) => col.notNull())
    .addColumn('content', 'text', (col) => col.notNull())
    .addPrimaryKeyConstraint('filter_pk', ['user_nid', 'filter_id'])
    .modifyEnd(c.clustered)
    .execute()
  await index('filter_digest', 'filter', ['user_nid', 'digest'], true)

  // thread: '' = unthreaded, 'main', or the thread root's event id. event_pos: room order of the receipt's event.
  await table('receipt')
    .addColumn('room_nid', 'bigint', (col) => col.notNull())
    .addColumn('user_nid', 'bigint', (col) => col.notNull())
    .addColumn('type', 'text', (col) => col.notNull())
    .addColumn('thread', 'text', (col) => col.notNull())
    .addColumn('event_id', 'text', (col) => col.notNull())
    .addColumn('event_pos', 'bigint', (col) => col.notNull())
    .addColumn('ts', 'bigint', (col) => col.notNull())
    .addColumn('pos', 'bigint', (col) => col.notNull())
    .addPrimaryKeyConstraint('receipt_pk', ['room_nid', 'user_nid', 'type', 'thread'])
    .modifyEnd(c.clustered)
    .execute()
  await index('receipt_pos', 'receipt', ['room_nid', 'pos'])
  await index('receipt_user', 'receipt', ['user_nid', 'room_nid'])

  // What a device was sent over its connections of sliding sync (MSC4186); two states of one at most: the one that the
  // device has, and the one that it has if the last answer arrived. Expires when it is not used for two weeks.
  await table('sliding_state')
    .addColumn('device_nid', 'bigint', (col) => col.notNull())
    .addColumn('conn_id', 'text', (col) => col.notNull())
    .addColumn('id', 'text', (col) => col.notNull())
    .addColumn('rooms', 'text', (col) => col.notNull())
    .addColumn('used_ts', 'bigint', (col) => col.notNull())
    .addPrimaryKeyConstraint('sliding_state_pk', ['device_nid', 'conn_id', 'id'])
    .modifyEnd(c.clustered)
    .execute()
  await index('sliding_state_used', 'sliding_state', ['used_ts'])

  // Threads that users follow, or followed (MSC4306). unsubscribed_pos: what arrived up to then follows no thread again.
  await table('thread_subscription')
    .addColumn('user_nid', 'bigint', (col) => col.notNull())
    .addColumn('room_nid', 'bigint', (col) => col.notNull())
    .addColumn('root_id', 'text', (col) => col.notNull())
    .addColumn('subscribed', 'smallint', (col) => col.notNull())
    .addColumn('automatic', 'smallint', (col) => col.notNull())
    .addColumn('unsubscribed_pos', 'bigint')
    .addColumn('pos', 'bigint', (col) => col.notNull())
    .addPrimaryKeyConstraint('thread_subscription_pk', ['user_nid', 'room_nid', 'root_id'])
    .modifyEnd(c.clustered)
    .execute()
  await index('thread_subscription_pos', 'thread_subscription', ['user_nid', 'pos'])

  // What users reported to the administrator: a room, an event of one, or a user.
  await table('report')
    .addColumn('id', c.serial, c.serialKey)
    .addColumn('reporter', 'text', (col) => col.notNull())
    .addColumn('room_id', 'text')
    .addColumn('event_id', 'text')
    .addColumn('user_id', 'text')
    .addColumn('reason', 'text', (col) => col.notNull())
    .addColumn('received_ts', 'bigint', (col) => col.notNull())
    .execute()

  // A user's own push rules and changes to the predefined ones; no row: the predefined rules as they are.
  await table('push_rules')
    .addColumn('user_nid', 'bigint', (col) => col.primaryKey().notNull())
    .addColumn('rules', 'text', (col) => col.notNull())
    .addColumn('pos', 'bigint', (col) => col.notNull())
    .execute()

  await table('presence')
    .addColumn('user_nid', 'bigint', (col) => col.primaryKey().notNull())
    .addColumn('presence', 'text', (col) => col.notNull())
    .addColumn('status_msg', 'text')
    .addColumn('last_active_ts', 'bigint', (col) => col.notNull())
    .addColumn('pos', 'bigint', (col) => col.notNull())
    .execute()
  await index('presence_pos', 'presence', ['pos'])

  // ---- other servers ----------------------------------------------------------------------------------------------
  // expired_ts: published as an old key; it signed nothing after that.
  await table('server_key')
    .addColumn('server_name', 'text', (col) => col.notNull())
    .addColumn('key_id', 'text', (col) => col.notNull())
    .addColumn('public_key', 'text', (col) => col.notNull())
    .addColumn('valid_until_ts', 'bigint', (col) => col.notNull())
    .addColumn('expired_ts', 'bigint')
    .addPrimaryKeyConstraint('server_key_pk', ['server_name', 'key_id'])
    .modifyEnd(c.clustered)
    .execute()

  // What a server last said of its keys, with its signatures, for those who ask us about it.
  await table('server_key_answer')
    .addColumn('server_name', 'text', (col) => col.primaryKey().notNull())
    .addColumn('json', 'text', (col) => col.notNull())
    .addColumn('valid_until_ts', 'bigint', (col) => col.notNull())
    .addColumn('fetched_ts', 'bigint', (col) => col.notNull())
    .execute()

  // The servers with joined members in a room, ours included, and how many: from `membership`, changed with it.
  // since_pos: where that began.
  // presumed: 1 while we only have it from who let us in that the server is there; it counts as one more member.
  await table('room_server')
    .addColumn('room_nid', 'bigint', (col) => col.notNull())
    .addColumn('server_nid', 'bigint', (col) => col.notNull())
    .addColumn('joined', 'bigint', (col) => col.notNull())
    .addColumn('since_pos', 'bigint', (col) => col.notNull())
    .addColumn('presumed', 'smallint', (col) => col.notNull().defaultTo(0))
    .addPrimaryKeyConstraint('room_server_pk', ['room_nid', 'server_nid'])
    .modifyEnd(c.clustered)
    .execute()
  await index('room_server_rooms', 'room_server', ['server_nid', 'room_nid'])

  // Rooms in which nobody here may write, because of a member of a server that is not listed. Removed once it is.
  await table('frozen_room')
    .addColumn('room_nid', 'bigint', (col) => col.notNull())
    .addColumn('server_nid', 'bigint', (col) => col.notNull())
    .addColumn('frozen_ts', 'bigint', (col) => col.notNull())
    .addPrimaryKeyConstraint('frozen_room_pk', ['room_nid', 'server_nid'])
    .execute()

  // Rooms that were joined without most of their members, until those are known (MSC3902). before_nid: the state before
  // the join, as far as it is known by now; via: the server that let us in.
  await table('partial_room')
    .addColumn('room_nid', 'bigint', (col) => col.primaryKey().notNull())
    .addColumn('join_nid', 'bigint', (col) => col.notNull())
    .addColumn('before_nid', 'bigint', (col) => col.notNull())
    .addColumn('via', 'text', (col) => col.notNull())
    .addColumn('attempts', 'bigint', (col) => col.notNull().defaultTo(0))
    .addColumn('retry_at', 'bigint', (col) => col.notNull())
    .execute()

  // Events that were judged without knowing all members, in the order in which they are judged again. join_nid: the join
  // since when; of a join that came to nothing they stay, so that nobody is told of the states at them.
  await table('partial_event')
    .addColumn('seq', c.serial, c.serialKey)
    .addColumn('event_nid', 'bigint', (col) => col.notNull().unique())
    .addColumn('join_nid', 'bigint', (col) => col.notNull())
    .execute()
  await index('partial_event_join', 'partial_event', ['join_nid', 'seq'])

  // Servers that were sent to. failures: in a row, since failing_since; retry_at: when to try again.
  await table('destination')
    .addColumn('server_nid', 'bigint', (col) => col.primaryKey().notNull())
    .addColumn('failures', 'bigint', (col) => col.notNull().defaultTo(0))
    .addColumn('failing_since', 'bigint')
    .addColumn('retry_at', 'bigint', (col) => col.notNull().defaultTo(0))
    .addColumn('last_success_ts', 'bigint')
    .addColumn('last_error', 'text')
    .execute()

  // Events that wait to be sent, each named by its number.
  await table('outbox_event')
    .addColumn('server_nid', 'bigint', (col) => col.notNull())
    .addColumn('event_nid', 'bigint', (col) => col.notNull())
    .addColumn('room_nid', 'bigint', (col) => col.notNull())
    .addPrimaryKeyConstraint('outbox_event_pk', ['server_nid', 'event_nid'])
    .modifyEnd(c.clustered)
    .execute()

  // Events of other servers that cannot be judged yet, because events they refer to are missing. json: as it will be
  // stored, its signatures checked. retry_at: when to look for what is missing again.
  await table('held_event')
    .addColumn('room_nid', 'bigint', (col) => col.notNull())
    .addColumn('event_id', 'text', (col) => col.notNull())
    .addColumn('server_nid', 'bigint', (col) => col.notNull())
    .addColumn('received_ts', 'bigint', (col) => col.notNull())
    .addColumn('attempts', 'bigint', (col) => col.notNull().defaultTo(0))
    .addColumn('retry_at', 'bigint', (col) => col.notNull())
    .addColumn('json', 'text', (col) => col.notNull())
    .addPrimaryKeyConstraint('held_event_pk', ['room_nid', 'event_id'])
    .modifyEnd(c.clustered)
    .execute()
  await index('held_event_retry', 'held_event', ['retry_at'])
  await index('held_event_received', 'held_event', ['received_ts'])

  // Transactions of other servers that were worked through, and what they were answered. Expires after a day.
  await table('inbound_transaction')
    .addColumn('server_nid', 'bigint', (col) => col.notNull())
    .addColumn('txn_id', 'text', (col) => col.notNull())
    .addColumn('answer', 'text', (col) => col.notNull())
    .addColumn('received_ts', 'bigint', (col) => col.notNull())
    .addPrimaryKeyConstraint('inbound_transaction_pk', ['server_nid', 'txn_id'])
    .modifyEnd(c.clustered)
    .execute()
  await index('inbound_transaction_received', 'inbound_transaction', ['received_ts'])

  // What is no event and must arrive all the same (device lists, to-device messages): events wait until it has been sent.
  await table('outbox_edu')
    .addColumn('id', c.serial, c.serialKey)
    .addColumn('server_nid', 'bigint', (col) => col.notNull())
    .addColumn('edu', 'text', (col) => col.notNull())
    .execute()
  await index('outbox_edu_order', 'outbox_edu', ['server_nid', 'id'])

  // Mail addresses of accounts.
  await table('third_party_id')
    .addColumn('medium', 'text', (col) => col.notNull())
    .addColumn('address', 'text', (col) => col.notNull())
    .addColumn('user_nid', 'bigint', (col) => col.notNull())
    .addColumn('validated_ts', 'bigint', (col) => col.notNull())
    .addColumn('added_ts', 'bigint', (col) => col.notNull())
    .addPrimaryKeyConstraint('third_party_id_pk', ['medium', 'address'])
    .modifyEnd(c.clustered)
    .execute()
  await index('third_party_id_user', 'third_party_id', ['user_nid'])

  // Addresses that somebody has to confirm. token_hash: of the token in the mail; null: there is none.
  await table('email_validation')
    .addColumn('sid', 'text', (col) => col.primaryKey().notNull())
    .addColumn('purpose', 'text', (col) => col.notNull())
    .addColumn('address', 'text', (col) => col.notNull())
    .addColumn('secret_hash', 'text', (col) => col.notNull())
    .addColumn('token_hash', 'text')
    .addColumn('send_attempt', 'bigint', (col) => col.notNull())
    .addColumn('validated_ts', 'bigint')
    .addColumn('created_ts', 'bigint', (col) => col.notNull())
    .execute()
  await index('email_validation_same', 'email_validation', ['secret_hash', 'purpose', 'address'])
  await index('email_validation_created', 'email_validation', ['created_ts'])

  // Mail on its way out.
  await table('mail_queue')
    .addColumn('id', c.serial, c.serialKey)
    .addColumn('recipient', 'text', (col) => col.notNull())
    .addColumn('subject', 'text', (col) => col.notNull())
    .addColumn('text', 'text', (col) => col.notNull())
    .addColumn('attempts', 'bigint', (col) => col.notNull())
    .addColumn('created_ts', 'bigint', (col) => col.notNull())
    .addColumn('retry_at', 'bigint', (col) => col.notNull())
    .execute()
  await index('mail_queue_next', 'mail_queue', ['retry_at'])

  // The room in which the server speaks to a user.
  await table('notice_room')
    .addColumn('user_nid', 'bigint', (col) => col.primaryKey().notNull())
    .addColumn('room_nid', 'bigint', (col) => col.notNull())
    .execute()

  // Events that are to be sent later (MSC4140). event: what is sent, JSON.
  await table('delayed_event')
    .addColumn('delay_id', 'text', (col) => col.primaryKey().notNull())
    .addColumn('user_nid', 'bigint', (col) => col.notNull())
    .addColumn('device_nid', 'bigint', (col) => col.notNull())
    .addColumn('room_nid', 'bigint', (col) => col.notNull())
    .addColumn('txn_id', 'text')
    .addColumn('event', 'text', (col) => col.notNull())
    .addColumn('delay_ms', 'bigint', (col) => col.notNull())
    .addColumn('send_at', 'bigint', (col) => col.notNull())
    .execute()
  await index('delayed_event_next', 'delayed_event', ['room_nid', 'send_at'])
  await index('delayed_event_user', 'delayed_event', ['user_nid', 'send_at'])
  await index('delayed_event_txn', 'delayed_event', ['device_nid', 'room_nid', 'txn_id'], true)

  // SHA-256 of the token by which another device of a user may log in, once.
  await table('login_token')
    .addColumn('token_hash', 'text', (col) => col.primaryKey().notNull())
    .addColumn('user_nid', 'bigint', (col) => col.notNull())
    .addColumn('expires_ts', 'bigint', (col) => col.notNull())
    .execute()
  await index('login_token_expires', 'login_token', ['expires_ts'])

  // SHA-256 of the token by which a third party may ask whose it is (spec: OpenID).
  await table('openid_token')
    .addColumn('token_hash', 'text', (col) => col.primaryKey().notNull())
    .addColumn('user_nid', 'bigint', (col) => col.notNull())
    .addColumn('expires_ts', 'bigint', (col) => col.notNull())
    .execute()
  await index('openid_token_expires', 'openid_token', ['expires_ts'])

  // Where notifications of a user go (spec: POST /pushers/set). pushkey_ts: when the key was set. since_pos: what came
  // later is pushed. badge: the count that the gateway last accepted; badge_due: how often something
  // has been read since, so that it may be wrong. failures: in a row; retry_at: when to try again.
  await table('pusher')
    .addColumn('nid', c.serial, c.serialKey)
    .addColumn('user_nid', 'bigint', (col) => col.notNull())
    .addColumn('device_nid', 'bigint', (col) => col.notNull())
    .addColumn('app_id', 'text', (col) => col.notNull())
    .addColumn('pushkey', 'text', (col) => col.notNull())
    .addColumn('app_display_name', 'text', (col) => col.notNull())
    .addColumn('device_display_name', 'text', (col) => col.notNull())
    .addColumn('profile_tag', 'text')
    .addColumn('lang', 'text', (col) => col.notNull())
    .addColumn('data', 'text', (col) => col.notNull())
    .addColumn('enabled', 'smallint', (col) => col.notNull())
    .addColumn('pushkey_ts', 'bigint', (col) => col.notNull())
    .addColumn('since_pos', 'bigint', (col) => col.notNull())
    .addColumn('badge', 'bigint', (col) => col.notNull().defaultTo(0))
    .addColumn('badge_due', 'bigint', (col) => col.notNull().defaultTo(0))
    .addColumn('failures', 'bigint', (col) => col.notNull().defaultTo(0))
    .addColumn('retry_at', 'bigint', (col) => col.notNull().defaultTo(0))
    .execute()
  await index('pusher_key', 'pusher', ['app_id', 'pushkey', 'user_nid'], true)
  await index('pusher_user', 'pusher', ['user_nid'])
  await index('pusher_device', 'pusher', ['device_nid'])

  // Events that wait to be pushed. actions: what the user's push rules said, JSON.
  await table('push_queue')
    .addColumn('pusher_nid', 'bigint', (col) => col.notNull())
    .addColumn('event_nid', 'bigint', (col) => col.notNull())
    .addColumn('room_nid', 'bigint', (col) => col.notNull())
    .addColumn('actions', 'text', (col) => col.notNull())
    .addPrimaryKeyConstraint('push_queue_pk', ['pusher_nid', 'event_nid'])
    .modifyEnd(c.clustered)
    .execute()

  // What waits for application services. service_nid: the name of its id. An event is told by its number.
  await table('appservice_event')
    .addColumn('service_nid', 'bigint', (col) => col.notNull())
    .addColumn('event_nid', 'bigint', (col) => col.notNull())
    .addPrimaryKeyConstraint('appservice_event_pk', ['service_nid', 'event_nid'])
    .modifyEnd(c.clustered)
    .execute()

  // Messages to devices of its users, by their keys in to_device.
  await table('appservice_to_device')
    .addColumn('service_nid', 'bigint', (col) => col.notNull())
    .addColumn('pos', 'bigint', (col) => col.notNull())
    .addColumn('device_nid', 'bigint', (col) => col.notNull())
    .addPrimaryKeyConstraint('appservice_to_device_pk', ['service_nid', 'pos', 'device_nid'])
    .modifyEnd(c.clustered)
    .execute()

  // Users whose devices changed.
  await table('appservice_device_list')
    .addColumn('service_nid', 'bigint', (col) => col.notNull())
    .addColumn('user_nid', 'bigint', (col) => col.notNull())
    .addPrimaryKeyConstraint('appservice_device_list_pk', ['service_nid', 'user_nid'])
    .modifyEnd(c.clustered)
    .execute()

  // Rooms in the directories of the networks that application services connect. service: its id.
  await table('network_room')
    .addColumn('room_nid', 'bigint', (col) => col.notNull())
    .addColumn('service', 'text', (col) => col.notNull())
    .addColumn('network', 'text', (col) => col.notNull())
    .addPrimaryKeyConstraint('network_room_pk', ['room_nid', 'service', 'network'])
    .modifyEnd(c.clustered)
    .execute()

  // The transaction that is under way, as it was sent: whatever was queued is there, or here.
  await table('appservice_transaction')
    .addColumn('service_nid', 'bigint', (col) => col.primaryKey().notNull())
    .addColumn('txn_id', 'text', (col) => col.notNull())
    .addColumn('body', 'text', (col) => col.notNull())
    .execute()

  // ---- encryption -------------------------------------------------------------------------------------------------
  // json: what the device published of its identity, as it was uploaded.
  await table('device_key')
    .addColumn('device_nid', 'bigint', (col) => col.primaryKey().notNull())
    .addColumn('user_nid', 'bigint', (col) => col.notNull())
    .addColumn('json', 'text', (col) => col.notNull())
    .execute()
  await index('device_key_user', 'device_key', ['user_nid'])

  // Given out in the order of nid, each once.
  await table('one_time_key')
    .addColumn('nid', c.serial, c.serialKey)
    .addColumn('device_nid', 'bigint', (col) => col.notNull())
    .addColumn('algorithm', 'text', (col) => col.notNull())
    .addColumn('key_id', 'text', (col) => col.notNull())
    .addColumn('json', 'text', (col) => col.notNull())
    .execute()
  await index('one_time_key_id', 'one_time_key', ['device_nid', 'algorithm', 'key_id'], true)
  await index('one_time_key_order', 'one_time_key', ['device_nid', 'algorithm', 'nid'])

  // Given out when there is no one-time key; used: since it was uploaded.
  await table('fallback_key')
    .addColumn('device_nid', 'bigint', (col) => col.notNull())
    .addColumn('algorithm', 'text', (col) => col.notNull())
    .addColumn('key_id', 'text', (col) => col.notNull())
    .addColumn('json', 'text', (col) => col.notNull())
    .addColumn('used', 'smallint', (col) => col.notNull().defaultTo(0))
    .addPrimaryKeyConstraint('fallback_key_pk', ['device_nid', 'algorithm'])
    .modifyEnd(c.clustered)
    .execute()

  // A device that a user left behind to receive keys while no other is logged in (MSC3814). data: its secrets, encrypted.
  await table('dehydrated_device')
    .addColumn('user_nid', 'bigint', (col) => col.primaryKey().notNull())
    .addColumn('device_nid', 'bigint', (col) => col.notNull())
    .addColumn('data', 'text', (col) => col.notNull())
    .execute()
  await index('dehydrated_device_nid', 'dehydrated_device', ['device_nid'])

  // When a user's devices or keys last changed. version: the last change of the devices, as other servers are told.
  await table('device_list')
    .addColumn('user_nid', 'bigint', (col) => col.primaryKey().notNull())
    .addColumn('pos', 'bigint', (col) => col.notNull())
    .addColumn('ts', 'bigint', (col) => col.notNull())
    .addColumn('version', 'bigint', (col) => col.notNull())
    .execute()
  await index('device_list_pos', 'device_list', ['pos'])

  // Copies of the device lists of other servers' users. pos: where we began to read it; good for as long as a room has
  // been shared without a break since then. stream_id: the last update it holds, as its server counts them; null: not
  // known. is_stale: it must be read again. doubts: how often that was found out, to see whether it was while reading.
  await table('remote_list')
    .addColumn('user_nid', 'bigint', (col) => col.primaryKey().notNull())
    .addColumn('server_nid', 'bigint', (col) => col.notNull())
    .addColumn('stream_id', 'bigint')
    .addColumn('pos', 'bigint', (col) => col.notNull())
    .addColumn('is_stale', 'smallint', (col) => col.notNull())
    .addColumn('doubts', 'bigint', (col) => col.notNull())
    .execute()
  await index('remote_list_stale', 'remote_list', ['is_stale', 'server_nid', 'user_nid'])

  await table('remote_device')
    .addColumn('user_nid', 'bigint', (col) => col.notNull())
    .addColumn('device_id', 'text', (col) => col.notNull())
    .addColumn('display_name', 'text')
    .addColumn('json', 'text', (col) => col.notNull())
    .addPrimaryKeyConstraint('remote_device_pk', ['user_nid', 'device_id'])
    .modifyEnd(c.clustered)
    .execute()

  // Messages that wait until the device's next token says that they have arrived. One request has one pos.
  await table('to_device')
    .addColumn('device_nid', 'bigint', (col) => col.notNull())
    .addColumn('pos', 'bigint', (col) => col.notNull())
    .addColumn('json', 'text', (col) => col.notNull())
    .addPrimaryKeyConstraint('to_device_pk', ['device_nid', 'pos'])
    .modifyEnd(c.clustered)
    .execute()

  // Transaction ids under which a device sent such messages. Expires after a day.
  await table('to_device_transaction')
    .addColumn('device_nid', 'bigint', (col) => col.notNull())
    .addColumn('txn_id', 'text', (col) => col.notNull())
    .addColumn('created_ts', 'bigint', (col) => col.notNull())
    .addPrimaryKeyConstraint('to_device_transaction_pk', ['device_nid', 'txn_id'])
    .modifyEnd(c.clustered)
    .execute()
  await index('to_device_transaction_created', 'to_device_transaction', ['created_ts'])

  // Ids of such messages that came from other servers. Expires after a month: whoever was not answered sends them again.
  await table('inbound_message')
    .addColumn('server_nid', 'bigint', (col) => col.notNull())
    .addColumn('message_id', 'text', (col) => col.notNull())
    .addColumn('received_ts', 'bigint', (col) => col.notNull())
    .addPrimaryKeyConstraint('inbound_message_pk', ['server_nid', 'message_id'])
    .modifyEnd(c.clustered)
    .execute()
  await index('inbound_message_received', 'inbound_message', ['received_ts'])

  // usage: master, self_signing or user_signing.
  await table('cross_signing_key')
    .addColumn('user_nid', 'bigint', (col) => col.notNull())
    .addColumn('usage', 'text', (col) => col.notNull())
    .addColumn('public_key', 'text', (col) => col.notNull())
    .addColumn('json', 'text', (col) => col.notNull())
    .addPrimaryKeyConstraint('cross_signing_key_pk', ['user_nid', 'usage'])
    .modifyEnd(c.clustered)
    .execute()

  // Verified signatures that came after the key. target: the device id, or the public key.
  await table('key_signature')
    .addColumn('user_nid', 'bigint', (col) => col.notNull())
    .addColumn('target', 'text', (col) => col.notNull())
    .addColumn('signer_nid', 'bigint', (col) => col.notNull())
    .addColumn('key_id', 'text', (col) => col.notNull())
    .addColumn('signature', 'text', (col) => col.notNull())
    .addColumn('pos', 'bigint', (col) => col.notNull())
    .addPrimaryKeyConstraint('key_signature_pk', ['user_nid', 'target', 'signer_nid', 'key_id'])
    .modifyEnd(c.clustered)
    .execute()
  await index('key_signature_signer', 'key_signature', ['signer_nid', 'pos'])

  // Backups of room keys. The newest version stays when it is deleted, so that its number does not come again. etag counts
  // the changes, sessions the keys.
  await table('key_backup')
    .addColumn('user_nid', 'bigint', (col) => col.notNull())
    .addColumn('version', 'bigint', (col) => col.notNull())
    .addColumn('algorithm', 'text', (col) => col.notNull())
    .addColumn('auth_data', 'text', (col) => col.notNull())
    .addColumn('etag', 'bigint', (col) => col.notNull().defaultTo(0))
    .addColumn('sessions', 'bigint', (col) => col.notNull().defaultTo(0))
    .addColumn('deleted', 'smallint', (col) => col.notNull().defaultTo(0))
    .addPrimaryKeyConstraint('key_backup_pk', ['user_nid', 'version'])
    .modifyEnd(c.clustered)
    .execute()
  await index('key_backup_deleted', 'key_backup', ['deleted'])
  await table('key_backup_session')
    .addColumn('user_nid', 'bigint', (col) => col.notNull())
    .addColumn('version', 'bigint', (col) => col.notNull())
    .addColumn('room_id', 'text', (col) => col.notNull())
    .addColumn('session_id', 'text', (col) => col.notNull())
    .addColumn('first_message_index', 'bigint', (col) => col.notNull())
    .addColumn('forwarded_count', 'bigint', (col) => col.notNull())
    .addColumn('is_verified', 'smallint', (col) => col.notNull())
    .addColumn('session_data', 'text', (col) => col.notNull())
    .addPrimaryKeyConstraint('key_backup_session_pk', ['user_nid', 'version', 'room_id', 'session_id'])
    .modifyEnd(c.clustered)
    .execute()

  // Files: our users' uploads, and copies of other servers' files. hash: SHA-256 of the content, under which it is stored
  // once; null while it was announced only, until expires_ts. used_ts: of a copy, the day somebody last asked for it.
  await table('media')
    .addColumn('server_name', 'text', (col) => col.notNull())
    .addColumn('media_id', 'text', (col) => col.notNull())
    .addColumn('user_nid', 'bigint')
    .addColumn('created_ts', 'bigint', (col) => col.notNull())
    .addColumn('used_ts', 'bigint')
    .addColumn('expires_ts', 'bigint')
    .addColumn('hash', 'text')
    .addColumn('bytes', 'bigint')
    .addColumn('content_type', 'text')
    .addColumn('filename', 'text')
    .addPrimaryKeyConstraint('media_pk', ['server_name', 'media_id'])
    .execute()
  await index('media_expires', 'media', ['expires_ts'])
  await index('media_user', 'media', ['user_nid', 'expires_ts'])
  await index('media_created', 'media', ['created_ts'])
  await index('media_used', 'media', ['used_ts'])
  await index('media_hash', 'media', ['hash'])
  // Previews of links, as they were made at one time. url_hash: SHA-256 of the URL. preview: JSON; null where it failed.
  await table('url_preview')
    .addColumn('url_hash', 'text', (col) => col.notNull())
    .addColumn('fetched_ts', 'bigint', (col) => col.notNull())
    .addColumn('expires_ts', 'bigint', (col) => col.notNull())
    .addColumn('preview', 'text')
    .addPrimaryKeyConstraint('url_preview_pk', ['url_hash', 'fetched_ts'])
    .execute()
  await index('url_preview_expires', 'url_preview', ['expires_ts'])
  // What nobody gets: by the hash of a content, or by an mxc:// address, ours or not, fetched or not.
  await table('media_quarantine')
    .addColumn('what', 'text', (col) => col.primaryKey().notNull())
    .addColumn('created_ts', 'bigint', (col) => col.notNull())
    .execute()
  // Contents that may have lost their last address: their bytes are removed where they have.
  await table('media_garbage')
    .addColumn('hash', 'text', (col) => col.primaryKey().notNull())
    .execute()
  // How much was uploaded, for the limits. user_nid 0: by everybody; day 0: on all days, less what was deleted.
  await table('media_use')
    .addColumn('user_nid', 'bigint', (col) => col.notNull())
    .addColumn('day', 'bigint', (col) => col.notNull())
    .addColumn('files', 'bigint', (col) => col.notNull())
    .addColumn('bytes', 'bigint', (col) => col.notNull())
    .addPrimaryKeyConstraint('media_use_pk', ['user_nid', 'day'])
    .execute()
  await index('media_use_day', 'media_use', ['day'])
}
