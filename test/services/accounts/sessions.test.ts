import { randomBytes } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { MatrixError } from '../../../src/matrix/errors.ts'
import { Devices } from '../../../src/services/accounts/devices.ts'
import { type Requester, Sessions } from '../../../src/services/accounts/sessions/sessions.ts'
import { TokenCache } from '../../../src/services/accounts/sessions/token-cache.ts'
import type { Uia } from '../../../src/services/accounts/uia/uia.ts'
import { Hub } from '../../../src/services/hub.ts'
import { DeviceLists } from '../../../src/services/keys/device-lists.ts'
import { Stream } from '../../../src/services/stream.ts'
import { insertAccount } from '../../../src/storage/accounts/accounts.ts'
import { type Db, transact } from '../../../src/storage/db.ts'
import { insertRows } from '../../../src/storage/many.ts'
import { internName } from '../../../src/storage/names.ts'
import { rawRows } from '../../../src/storage/run.ts'
import { FakeClock } from '../../support/clock.ts'
import { withDatabases } from '../../support/databases.ts'
import { rowsOf, statementsOf } from '../../support/statements.ts'

const USER = 1

withDatabases('sessions', (open) => {
  let db: Db
  let clock: FakeClock
  let sessions: Sessions
  let devices: Devices
  beforeEach(async () => {
    db = await open()
    clock = new FakeClock()
    sessions = new Sessions({
      db,
      clock,
      random: randomBytes,
      lifetimes: { refreshableMs: 1000, refreshMs: 5000, plainMs: undefined },
      maxCachedTokens: 2,
      lastSeenEveryMs: 100,
    })
    const stream = new Stream(db, 0)
    const lists = new DeviceLists({ db, clock, stream, hub: new Hub() })
    devices = new Devices({ db, stream, lists, sessions, uia: {} as Uia })
    await transact(db, (tx) =>
      insertAccount(tx, {
        userNid: USER,
        userId: '@alice:example.org',
        passwordHash: undefined,
        isAdmin: false,
        isGuest: false,
        userType: undefined,
        createdTs: 1,
      }),
    )
  })
  const whose = async (token: string): Promise<string> => {
    const found = await sessions.authenticate(token, '192.0.2.1', 'test')
    return found instanceof MatrixError ? `${found.errcode} ${found.fields.soft_logout}` : `${found.deviceId}`
  }
  const requester = async (token: string): Promise<Requester> => {
    const found = await sessions.authenticate(token, '192.0.2.1')
    if (found instanceof MatrixError) throw found
    return found
  }

  it('answer at once for a token in use, and keep no more than they may', async () => {
    const tokens: string[] = []
    for (const deviceId of ['A', 'B', 'C']) {
      const { accessToken } = await sessions.open(USER, { deviceId })
      await whose(accessToken)
      tokens.push(accessToken)
    }
    const isSync = tokens.map((token) => !(sessions.authenticate(token, '192.0.2.1') instanceof Promise))
    expect(isSync).toEqual([false, true, true])
    expect(await Promise.all(tokens.map(whose))).toEqual(['A', 'B', 'C'])
  })

  it('know no token that has ended, on whatever way', async () => {
    const open = async (deviceId: string) => (await sessions.open(USER, { deviceId })).accessToken
    const [a, b, c] = [await open('A'), await open('B'), await open('C')]
    await whose(a)
    await devices.logout(await requester(a))
    expect(await whose(a)).toBe('M_UNKNOWN_TOKEN false')
    expect(await whose(b)).toBe('B')
    const again = await open('B')
    expect([await whose(b), await whose(again)]).toEqual(['M_UNKNOWN_TOKEN false', 'B'])
    await devices.logoutAll({ userId: '@alice:example.org', userNid: USER })
    expect([await whose(again), await whose(c)]).toEqual(['M_UNKNOWN_TOKEN false', 'M_UNKNOWN_TOKEN false'])
  })

  it('do not bring back a token that ended while it was being looked up', async () => {
    const { accessToken } = await sessions.open(USER, { deviceId: 'A' })
    const me = await requester(accessToken)
    sessions.forgetUser(USER)
    const looking = sessions.authenticate(accessToken, '192.0.2.1')
    await Promise.all([looking, devices.logout(me)])
    expect(await whose(accessToken)).toBe('M_UNKNOWN_TOKEN false')
  })

  it('end a refresh token when the access token that came with its successor is used', async () => {
    const first = await sessions.open(USER, { deviceId: 'A', wantsRefresh: true })
    const second = await sessions.refresh(first.refreshToken ?? '')
    const repeated = await sessions.refresh(first.refreshToken ?? '')
    expect(await whose(first.accessToken)).toBe('A')
    expect(await whose(repeated.accessToken)).toBe('A')
    await expect(sessions.refresh(first.refreshToken ?? '')).rejects.toMatchObject({ errcode: 'M_UNKNOWN_TOKEN' })
    expect(await whose(second.accessToken)).toBe('M_UNKNOWN_TOKEN false')
    expect(await whose(repeated.accessToken)).toBe('A')
    clock.advance(1000)
    expect(await whose(repeated.accessToken)).toBe('M_UNKNOWN_TOKEN true')
    const third = await sessions.refresh(repeated.refreshToken ?? '')
    expect(await whose(third.accessToken)).toBe('A')
    clock.advance(5000)
    await expect(sessions.refresh(third.refreshToken ?? '')).rejects.toMatchObject({
      errcode: 'M_UNKNOWN_TOKEN',
      fields: { soft_logout: true },
    })
  })

  it('let several refreshes of one token at once give working pairs', async () => {
    const { refreshToken = '' } = await sessions.open(USER, { deviceId: 'A', wantsRefresh: true })
    const pairs = await Promise.all([1, 2, 3].map(() => sessions.refresh(refreshToken)))
    expect(await whose(pairs[1]?.accessToken ?? '')).toBe('A')
  })

  it('forget tokens that ran out, but tell the last one of a device of a soft logout', async () => {
    const first = await sessions.open(USER, { deviceId: 'A', wantsRefresh: true })
    clock.advance(10)
    const second = await sessions.refresh(first.refreshToken ?? '')
    clock.advance(60_000)
    await sessions.expire(clock.now())
    expect(await whose(first.accessToken)).toBe('M_UNKNOWN_TOKEN false')
    expect(await whose(second.accessToken)).toBe('M_UNKNOWN_TOKEN true')
  })

  it('are looked at once where they ran out, and forgotten when a newer one is given out an hour later', async () => {
    const lifetimes = { refreshableMs: 1000, refreshMs: undefined, plainMs: undefined }
    const lasting = new Sessions({
      db,
      clock,
      random: randomBytes,
      lifetimes,
      maxCachedTokens: 2,
      lastSeenEveryMs: 100,
    })
    const tokens = async () => (await rawRows(db, 'select token_hash from access_token')).length
    const first = await lasting.open(USER, { deviceId: 'A', wantsRefresh: true })
    clock.advance(2_000)
    await lasting.expire(clock.now())
    expect(rowsOf(await statementsOf(db, () => lasting.expire(clock.now())))).toBe(0)
    const second = await lasting.refresh(first.refreshToken ?? '')
    clock.advance(3_600_000)
    expect(await tokens()).toBe(2)
    await lasting.refresh(second.refreshToken ?? '')
    expect(await tokens()).toBe(2)
  })

  it('of the devices beyond a thousand end, those that were not seen for longest', async () => {
    const used = await sessions.open(USER, { deviceId: 'used' })
    await whose(used.accessToken)
    await sessions.flushLastSeen()
    const others = Array.from({ length: 1_300 }, (_, i) => [USER, `D${i}`, i + 1])
    await transact(db, async (tx) => {
      expect(await internName(tx, '@alice:example.org')).toBe(USER)
      await insertRows(tx, 'device (user_nid, device_id, last_seen_ts)', others)
    })
    await devices.endExcess()
    expect(rowsOf(await statementsOf(db, () => devices.endExcess()))).toBe(0)
    const left = await devices.list({ userNid: USER })
    expect(left).toHaveLength(1_000)
    const names = left.map(({ deviceId }) => deviceId)
    expect(names).toEqual(expect.arrayContaining(['used', 'D301', 'D1299']))
    expect(names).not.toContain('D300')
    expect(await whose(used.accessToken)).toBe('used')
  })

  it('note when a device was last seen, and write it later', async () => {
    const { accessToken } = await sessions.open(USER, { deviceId: 'A' })
    await whose(accessToken)
    const seen = { lastSeenTs: clock.now(), lastSeenIp: '192.0.2.1' }
    expect(await devices.get({ userNid: USER }, 'A')).toMatchObject(seen)
    await sessions.flushLastSeen()
    expect(await devices.get({ userNid: USER }, 'A')).toMatchObject(seen)
    clock.advance(99)
    await whose(accessToken)
    expect(await devices.get({ userNid: USER }, 'A')).toMatchObject(seen)
    clock.advance(1)
    await whose(accessToken)
    expect(await devices.list({ userNid: USER })).toMatchObject([{ lastSeenTs: clock.now() }])
  })
})

describe('the token cache', () => {
  it('keeps nothing of a user whose tokens it has dropped', () => {
    const cache = new TokenCache(10)
    const owner = { userNid: 1, deviceNid: 1 } as Parameters<TokenCache['put']>[1]['owner']
    cache.put('a', { owner, notedTs: 0 }, cache.generation)
    cache.put('b', { owner: { ...owner, deviceNid: 2 }, notedTs: 0 }, cache.generation)
    cache.dropDevices(1, [1])
    expect([cache.get('a'), cache.get('b')?.owner.deviceNid]).toEqual([undefined, 2])
    const before = cache.generation
    cache.dropUser(1)
    cache.put('c', { owner, notedTs: 0 }, before)
    expect([cache.get('b'), cache.get('c')]).toEqual([undefined, undefined])
  })
})
