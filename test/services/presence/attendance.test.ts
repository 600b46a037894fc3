import { describe, expect, it } from 'vitest'
import type { UserId } from '../../../src/matrix/ids.ts'
import { Attendance } from '../../../src/services/presence/attendance.ts'
import { unknownPresence } from '../../../src/services/presence/user-presence.ts'

const person = (userNid: number) => unknownPresence({ userId: `@${userNid}:example.org` as UserId, userNid })

describe('attendance', () => {
  it('tells who came and who left, and then looks through nobody who is away', () => {
    const attendance = new Attendance()
    const people = Array.from({ length: 100 }, (_, index) => person(index))
    for (const user of people) attendance.note(user, 1, 'online', 1_000)
    expect(attendance.changed(500)).toEqual(people)
    for (const user of people) user.presence = 'online'
    expect(attendance.changed(600)).toEqual([])
    expect(attendance.size).toBe(100)
    expect(attendance.changed(1_000)).toEqual(people)
    for (const user of people) user.presence = 'offline'
    expect(attendance.changed(1_100)).toEqual([])
    expect(attendance.size).toBe(0)
  })

  it('tells again of those of whom telling failed', () => {
    const attendance = new Attendance()
    const user = person(1)
    user.presence = 'online'
    attendance.note(user, 1, 'online', 1_000)
    expect(attendance.changed(1_000)).toEqual([user])
    expect(attendance.changed(2_000)).toEqual([user])
  })

  it('takes the most present device, and none whose time is over', () => {
    const attendance = new Attendance()
    const user = person(1)
    attendance.note(user, 1, 'unavailable', 3_000)
    attendance.note(user, 2, 'online', 2_000)
    expect(attendance.says(user, 1_000)).toBe('online')
    expect(attendance.says(user, 2_000)).toBe('unavailable')
    expect(attendance.says(user, 3_000)).toBe('offline')
  })
})
