import type { Pdu } from '../../../src/room/event.ts'
import { ALL, describeRules, since, until } from '../../support/auth-rules.ts'

const topic = (sender: string): Partial<Pdu> => ({ type: 'm.room.topic', sender, state_key: '' })
const TOO_LITTLE = (type: string) => `The sender's power level does not suffice to send ${type}`
const NOT_IN_ROOM = 'The sender is not in the room'

describeRules('Whatever is no member event', [
  { rule: '6', says: 'members send messages', event: {} },
  { rule: '6', says: 'strangers send none', event: { sender: '@carol:c' }, refused: NOT_IN_ROOM },
  ...['invite', 'leave', 'ban', 'knock'].map((membership) => ({
    rule: '6',
    says: `membership '${membership}' does not let send`,
    event: { sender: '@carol:c' },
    world: { members: { '@carol:c': membership } },
    refused: NOT_IN_ROOM,
  })),
  {
    rule: '6',
    says: 'the creator sends nothing before joining',
    event: topic('@alice:a'),
    world: { members: { '@alice:a': 'leave' } },
    refused: NOT_IN_ROOM,
  },
  {
    rule: '7',
    says: 'a third-party invite needs the power to invite',
    event: { type: 'm.room.third_party_invite', sender: '@mod:a', state_key: 'token' },
  },
  {
    rule: '7',
    says: 'and nothing else: the level of state events is no matter',
    event: { type: 'm.room.third_party_invite', sender: '@mod:a', state_key: 'token' },
    world: { levels: { invite: 50, state_default: 100, users: { '@mod:a': 50 } } },
  },
  {
    rule: '7',
    says: 'who may not invite may not invite third parties',
    event: { type: 'm.room.third_party_invite', sender: '@bob:b', state_key: 'token' },
    refused: 'The sender may not invite',
  },
  { rule: '8', says: 'state events need 50 by default', event: topic('@mod:a') },
  { rule: '8', says: 'less does not suffice', event: topic('@bob:b'), refused: TOO_LITTLE('m.room.topic') },
  {
    rule: '8',
    says: 'without power levels the creator alone may send state',
    event: topic('@alice:a'),
    world: { levels: null },
  },
  {
    rule: '8',
    says: 'without power levels all others have none, though state needs 50',
    event: topic('@mod:a'),
    world: { levels: null },
    refused: TOO_LITTLE('m.room.topic'),
  },
  {
    rule: '8',
    says: 'a level of its own counts for an event type',
    event: topic('@bob:b'),
    world: { levels: { events: { 'm.room.topic': 0 } } },
  },
  {
    rule: '8',
    says: 'events_default is for messages',
    event: {},
    world: { levels: { events_default: 1 } },
    refused: TOO_LITTLE('m.room.message'),
  },
  {
    rule: '8',
    says: 'users_default lifts everyone',
    event: {},
    world: { levels: { events_default: 1, users_default: 1 } },
  },
  {
    rule: '8',
    says: 'a type that objects inherit has no level of its own',
    event: { type: 'constructor' },
    world: { levels: { events: {} } },
  },
  {
    rule: '9',
    says: 'a state key that is the id of another user is theirs',
    event: { type: 'x', sender: '@mod:a', state_key: '@bob:b' },
    refused: 'The state key is the id of another user',
  },
  { rule: '9', says: 'one’s own id is free', event: { type: 'x', sender: '@mod:a', state_key: '@mod:a' } },
  { rule: '9', says: 'so is any other text', event: { type: 'x', sender: '@mod:a', state_key: 'bob@b' } },
])

const aliases = (pdu: Partial<Pdu>): Partial<Pdu> => ({ type: 'm.room.aliases', sender: '@bob:b', ...pdu })
describeRules('Aliases, rule 4 of versions 1 to 5', [
  {
    rule: '4.1',
    says: 'they have a state key',
    event: aliases({}),
    allowedIn: since(6),
    refused: 'The aliases have no state key',
  },
  {
    rule: '4.2',
    says: 'it is the sender’s server',
    event: aliases({ sender: '@mod:a', state_key: 'b' }),
    allowedIn: since(6),
    refused: 'The aliases are those of another server',
  },
])
describeRules('Aliases of one’s own server', [
  {
    rule: '4.3',
    says: 'need neither power nor membership in versions 1 to 5',
    event: aliases({ sender: '@carol:c', state_key: 'c' }),
    allowedIn: until(5),
    refused: NOT_IN_ROOM,
  },
])

const redaction = (redacts: string, sender = '@bob:b'): Partial<Pdu> => ({ type: 'm.room.redaction', sender, redacts })
describeRules('Redactions, rule 11 of versions 1 and 2', [
  { rule: '11.1', says: 'with the power to redact everything is redacted', event: redaction('$x:c', '@mod:a') },
  { rule: '11.2', says: 'events of one’s own server are redacted', event: redaction('$x:b') },
  {
    rule: '11.3',
    says: 'other events are not; later versions decide when both events are known',
    event: redaction('$x:a'),
    allowedIn: since(3),
    refused: "The sender may not redact other servers' events",
  },
  {
    rule: '8',
    says: 'redactions need their own level as well',
    event: redaction('$x:b'),
    world: { levels: { events: { 'm.room.redaction': 1 } } },
    allowedIn: [],
    refused: TOO_LITTLE('m.room.redaction'),
  },
  { rule: '11', says: 'all else is allowed', event: { type: 'whatever' }, allowedIn: ALL },
])
