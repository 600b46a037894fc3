import fc from 'fast-check'
import type { JsonObject } from '../../src/matrix/json.ts'
import { authorize } from '../../src/room/auth/authorize.ts'
import { stateKeyOf } from '../../src/room/state-key.ts'
import { type BuiltEvent, RoomBuilder } from './room-builder.ts'

const USERS = ['@alice:hs1', '@mod:hs1', '@bob:hs2', '@carol:hs3']

interface Step {
  sender: number
  target: number
  act: 'join' | 'leave' | 'ban' | 'invite' | 'topic' | 'levels' | 'rules'
  level: number
  /** Which of the branches it extends, or from which it starts a new one. */
  branch: number
  opens: boolean
  ts: number
}

const step: fc.Arbitrary<Step> = fc.record({
  sender: fc.nat(USERS.length - 1),
  target: fc.nat(USERS.length - 1),
  act: fc.constantFrom('join', 'leave', 'ban', 'invite', 'topic', 'topic', 'levels', 'levels', 'rules'),
  level: fc.constantFrom(0, 50, 75, 100),
  branch: fc.nat(7),
  opens: fc.boolean(),
  ts: fc.nat(3),
})

const draftOf = ({ act, sender, target, level, ts }: Step) => {
  const by = USERS[sender] ?? ''
  const on = USERS[target] ?? ''
  const draft = (type: string, stateKey: string, content: JsonObject) => ({ type, stateKey, content, sender: by, ts })
  if (act === 'topic') return draft('m.room.topic', '', { topic: `${by} ${level}` })
  if (act === 'rules') return draft('m.room.join_rules', '', { join_rule: level > 50 ? 'public' : 'invite' })
  if (act !== 'levels') return draft('m.room.member', act === 'join' ? by : on, { membership: act })
  return draft('m.room.power_levels', '', { users: { ...(on !== USERS[0] && { [USERS[0] ?? '']: 100 }), [on]: level } })
}

/** A room that has split into branches, on each of which everything is allowed that happened there. */
export const anyForkedRoom = (versions: string[]): fc.Arbitrary<{ room: RoomBuilder; tips: BuiltEvent[] }> =>
  fc
    .record({ version: fc.constantFrom(...versions), steps: fc.array(step, { minLength: 4, maxLength: 16 }) })
    .map(build)

function build({ version, steps }: { version: string; steps: Step[] }): { room: RoomBuilder; tips: BuiltEvent[] } {
  const room = RoomBuilder.public(version, USERS[0])
  for (const user of USERS.slice(1, 3)) room.join(user)
  const tips = [room.last]
  for (const taken of steps) {
    const at = taken.branch % tips.length
    const after = tips[at]
    if (!after) continue
    const draft = draftOf(taken)
    if (version === '12' && draft.type === 'm.room.power_levels')
      delete (draft.content.users as JsonObject)['@alice:hs1']
    const state = room.stateAfter([after])
    const event = room.make({ ...draft, after: [after] })
    if (authorize(event, (type, key) => state.get(stateKeyOf(type, key)), room.version) !== undefined) continue
    room.add(event, [after])
    if (taken.opens) tips.push(event)
    else tips[at] = event
  }
  return { room, tips }
}
