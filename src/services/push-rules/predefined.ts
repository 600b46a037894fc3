import { localpartOf, type UserId } from '../../matrix/ids.ts'
import type { JsonObject } from '../../matrix/json.ts'
import type { PushAction, PushRule, RuleKind } from './rule.ts'

/** Stand for the user in conditions, so that one compiled rule set serves everybody who changed nothing. */
export const SELF = '\u0000user_id'
export const SELF_LOCALPART = '\u0000localpart'
/** The condition that the user follows the event's thread, or does not (MSC4306). */
export const THREAD_SUBSCRIPTION = 'io.element.msc4306.thread_subscription'

const HIGHLIGHT: PushAction = { set_tweak: 'highlight' }
const SOUND: PushAction = { set_tweak: 'sound', value: 'default' }
const RING: PushAction = { set_tweak: 'sound', value: 'ring' }

const match = (key: string, pattern: string): JsonObject => ({ kind: 'event_match', key, pattern })
const is = (key: string, value: string | boolean): JsonObject => ({ kind: 'event_property_is', key, value })
const type = (name: string) => match('type', name)
const TWO_MEMBERS: JsonObject = { kind: 'room_member_count', is: '2' }
const follows = (subscribed: boolean): JsonObject => ({ kind: THREAD_SUBSCRIPTION, subscribed })
const MAY_NOTIFY_ROOM: JsonObject = { kind: 'sender_notification_permission', key: 'room' }

const rule = (rule_id: string, conditions: JsonObject[], actions: PushAction[], enabled = true): PushRule => ({
  rule_id,
  default: true,
  enabled,
  conditions,
  actions,
})

/** Rules that look for names in the text; they hold back where the sender has said whom the event mentions. */
export const TEXT_MENTION_RULES: ReadonlySet<string> = new Set([
  '.m.rule.contains_display_name',
  '.m.rule.contains_user_name',
  '.m.rule.roomnotif',
])

/**
 * The predefined rules (spec v1.19: client-server API, Predefined Rules), by kind, the most important first.
 * NOTSPEC: v1.17 removed the three rules that find mentions in the text. They stay, for events without `m.mentions`:
 * bots, bridges and older clients do not send it, and their mentions would otherwise go unnoticed.
 * The poll rules are MSC3930's, those of the kind `postcontent` MSC4306's.
 */
export const PREDEFINED: Readonly<Record<RuleKind, readonly PushRule[]>> = {
  override: [
    rule('.m.rule.master', [], [], false),
    rule('.m.rule.suppress_notices', [match('content.msgtype', 'm.notice')], []),
    rule(
      '.m.rule.invite_for_me',
      [type('m.room.member'), match('content.membership', 'invite'), match('state_key', SELF)],
      ['notify', SOUND],
    ),
    rule('.m.rule.member_event', [type('m.room.member')], []),
    rule(
      '.m.rule.is_user_mention',
      [{ kind: 'event_property_contains', key: 'content.m\\.mentions.user_ids', value: SELF }],
      ['notify', SOUND, HIGHLIGHT],
    ),
    rule('.m.rule.contains_display_name', [{ kind: 'contains_display_name' }], ['notify', SOUND, HIGHLIGHT]),
    rule('.m.rule.is_room_mention', [is('content.m\\.mentions.room', true), MAY_NOTIFY_ROOM], ['notify', HIGHLIGHT]),
    rule('.m.rule.roomnotif', [match('content.body', '@room'), MAY_NOTIFY_ROOM], ['notify', HIGHLIGHT]),
    rule('.m.rule.tombstone', [type('m.room.tombstone'), match('state_key', '')], ['notify', HIGHLIGHT]),
    rule('.m.rule.reaction', [type('m.reaction')], []),
    rule('.m.rule.room.server_acl', [type('m.room.server_acl'), match('state_key', '')], []),
    rule('.m.rule.suppress_edits', [is('content.m\\.relates_to.rel_type', 'm.replace')], []),
    rule('.org.matrix.msc3930.rule.poll_response', [type('org.matrix.msc3381.poll.response')], []),
  ],
  content: [
    {
      rule_id: '.m.rule.contains_user_name',
      default: true,
      enabled: true,
      pattern: SELF_LOCALPART,
      actions: ['notify', SOUND, HIGHLIGHT],
    },
  ],
  postcontent: [
    rule('.io.element.msc4306.rule.unsubscribed_thread', [follows(false)], []),
    rule('.io.element.msc4306.rule.subscribed_thread', [follows(true)], ['notify', SOUND]),
  ],
  room: [],
  sender: [],
  underride: [
    rule('.m.rule.call', [type('m.call.invite')], ['notify', RING]),
    rule('.m.rule.encrypted_room_one_to_one', [TWO_MEMBERS, type('m.room.encrypted')], ['notify', SOUND]),
    rule('.m.rule.room_one_to_one', [TWO_MEMBERS, type('m.room.message')], ['notify', SOUND]),
    rule('.m.rule.message', [type('m.room.message')], ['notify']),
    rule('.m.rule.encrypted', [type('m.room.encrypted')], ['notify']),
    rule(
      '.org.matrix.msc3930.rule.poll_start_one_to_one',
      [TWO_MEMBERS, type('org.matrix.msc3381.poll.start')],
      ['notify', SOUND],
    ),
    rule('.org.matrix.msc3930.rule.poll_start', [type('org.matrix.msc3381.poll.start')], ['notify']),
    rule(
      '.org.matrix.msc3930.rule.poll_end_one_to_one',
      [TWO_MEMBERS, type('org.matrix.msc3381.poll.end')],
      ['notify', SOUND],
    ),
    rule('.org.matrix.msc3930.rule.poll_end', [type('org.matrix.msc3381.poll.end')], ['notify']),
  ],
}

/** A rule with the user's own id where it stands for that, as clients see it. */
export function personalised(template: PushRule, userId: UserId): PushRule {
  const shown: PushRule = { ...template }
  if (template.pattern === SELF_LOCALPART) shown.pattern = localpartOf(userId)
  if (template.conditions) {
    shown.conditions = template.conditions.map((condition) => ({
      ...condition,
      ...(condition.pattern === SELF && { pattern: userId }),
      ...(condition.value === SELF && { value: userId }),
    }))
  }
  return shown
}
