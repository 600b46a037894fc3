import { describe, expect, it } from 'vitest'
import type { Pdu } from '../../src/room/event.ts'
import { type HistoryVisibility, historyVisibilityOf, maySee, type Sight } from '../../src/room/visibility.ts'
import { memberEvent, sampleEvent, version } from '../support/event-samples.ts'

const message = sampleEvent(version('12'))
const sight = (visibility: HistoryVisibility, membership?: string): Sight => ({ visibility, membership })
const seesAt = (state: Sight, joinedLater = false, event: Pdu = message, before = state) =>
  maySee(event, '@bob:hs', before, state, joinedLater)

describe('history visibility', () => {
  const memberships = [undefined, 'leave', 'knock', 'ban', 'invite', 'join']

  it('lets everybody see what was sent while the room was world readable', () => {
    for (const membership of memberships) expect(seesAt(sight('world_readable', membership))).toBe(true)
  })

  it('lets members see what is sent while they are', () => {
    for (const visibility of ['shared', 'invited', 'joined'] as const) {
      expect(seesAt(sight(visibility, 'join'))).toBe(true)
    }
  })

  it('lets later members see earlier events of a shared history, and of no other', () => {
    for (const membership of memberships.slice(0, -1)) {
      expect(seesAt(sight('shared', membership), true)).toBe(true)
      expect(seesAt(sight('shared', membership), false)).toBe(false)
      expect(seesAt(sight('joined', membership), true)).toBe(false)
      expect(seesAt(sight('invited', membership), true)).toBe(membership === 'invite')
    }
  })

  it('lets the invited see what is sent from the invite on, where the setting says so', () => {
    expect(seesAt(sight('invited', 'invite'))).toBe(true)
    expect(seesAt(sight('joined', 'invite'))).toBe(false)
    expect(seesAt(sight('shared', 'invite'))).toBe(false)
  })

  it('shows a change of the setting to all who could see before or after it', () => {
    const change = sampleEvent(version('12'), { type: 'm.room.history_visibility', state_key: '' })
    expect(seesAt(sight('joined'), false, change, sight('world_readable'))).toBe(true)
    expect(seesAt(sight('world_readable'), false, change, sight('joined'))).toBe(true)
    expect(seesAt(sight('joined'), false, change, sight('invited'))).toBe(false)
    expect(seesAt(sight('joined'), false, message, sight('world_readable'))).toBe(false)
  })

  it('shows a user how they joined and how they left, and others not', () => {
    const own = memberEvent(version('12'), { membership: 'leave' })
    expect(seesAt(sight('joined', 'leave'), false, own, sight('joined', 'join'))).toBe(true)
    expect(seesAt(sight('joined', 'join'), false, own, sight('joined'))).toBe(true)
    const other = { ...own, state_key: '@carol:hs' }
    expect(seesAt(sight('joined', 'leave'), false, other, sight('joined', 'join'))).toBe(false)
  })

  it('is shared where nobody set it, or set something that is not understood', () => {
    const setting = (value: unknown) => sampleEvent(version('12'), { content: { history_visibility: value } })
    expect(historyVisibilityOf(undefined)).toBe('shared')
    for (const value of [undefined, 1, 'private', 'constructor'])
      expect(historyVisibilityOf(setting(value))).toBe('shared')
    for (const value of ['world_readable', 'invited', 'joined']) expect(historyVisibilityOf(setting(value))).toBe(value)
  })
})
