import { describe, expect, it } from 'vitest'
import {
  isEventId,
  isRoomAlias,
  isRoomId,
  isServerName,
  isUserId,
  localpartOf,
  serverOf,
  userId,
} from '../../src/matrix/ids.ts'

describe('identifiers', () => {
  it.each(['matrix.org', 'matrix.org:8888', '1.2.3.4', '1.2.3.4:1234', '[1234:5678::abcd]', '[::1]:5678', 'localhost'])(
    'takes %s for a server name',
    (name) => {
      expect(isServerName(name)).toBe(true)
    },
  )

  it.each(['', 'a b', 'a/b', '한국', 'a:', 'a:123456', 'a:b', '[::1', '::1', 'a\n', 'a'.repeat(256)])(
    'does not take %j for one',
    (name) => {
      expect(isServerName(name)).toBe(false)
    },
  )

  it('allows historical user ids, but no NUL, no unpaired surrogate and no more than 255 bytes', () => {
    for (const id of ['@a:hs', '@A b/홍:hs:8448', '@a:[::1]']) expect(isUserId(id)).toBe(true)
    for (const id of ['a:hs', '@a', '@a:', '@a:h s', '@\u0000:hs', '@\ud800:hs', `@${'홍'.repeat(84)}:hs`]) {
      expect(isUserId(id)).toBe(false)
    }
  })

  it('takes room and event ids with and without a server', () => {
    for (const id of ['!a:hs', '!c31MFlxJWGXvI7LKDaNGu2x_CxVEWWlDEt0s3mPpVY4']) expect(isRoomId(id)).toBe(true)
    for (const id of ['$a:hs', '$acR1l0raoZnm60CBwAVgqbZqoO/mYU81xysh1u7XcJk']) expect(isEventId(id)).toBe(true)
    expect(isRoomId('!')).toBe(false)
    expect(isEventId('!a:hs')).toBe(false)
    expect(isRoomAlias('#a:hs')).toBe(true)
    expect(isRoomAlias('#a')).toBe(false)
  })

  it('splits at the first colon', () => {
    expect(serverOf('@a:hs:8448')).toBe('hs:8448')
    expect(localpartOf('@a:hs:8448')).toBe('a')
    expect(serverOf('!hash')).toBe('')
  })

  it('has schemas that take ids and refuse other values', () => {
    expect(userId.safeParse('@a:hs')).toEqual({ success: true, data: '@a:hs' })
    for (const value of ['a', 1, null, {}]) expect(userId.safeParse(value).success).toBe(false)
  })
})
