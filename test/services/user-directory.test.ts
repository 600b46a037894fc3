import { beforeEach, expect, it } from 'vitest'
import { refreshDirectory } from '../../src/services/user-directory/refresh-directory.ts'
import { followRemoteUsers } from '../../src/services/user-directory/remote-users.ts'
import { UserDirectory } from '../../src/services/user-directory/user-directory.ts'
import { indexUser, unindexUser } from '../../src/services/user-directory/user-index.ts'
import { queueRefresh, refreshOpen } from '../../src/storage/accounts/user-directory.ts'
import { type Db, transact } from '../../src/storage/db.ts'
import { deleteMembership, upsertMemberships } from '../../src/storage/rooms/memberships.ts'
import { insertRoom, updateOpenToJoin, updateOpenToRead } from '../../src/storage/rooms/rooms.ts'
import { withDatabases } from '../support/databases.ts'

const ME = 1

withDatabases('the user directory', (open) => {
  let db: Db
  let directory: UserDirectory
  beforeEach(async () => {
    db = await open()
    directory = new UserDirectory({ db, serverName: 'example.org', showsAll: false })
  })

  const add = (userNid: number, displayName: string, avatarUrl?: string) =>
    transact(db, (tx) =>
      indexUser(tx, { userNid, userId: `@u${userNid}:example.org`, displayName, avatarUrl, details: undefined }),
    )

  /** A room with these members. */
  const room = (...members: number[]) =>
    transact(db, async (tx) => {
      const room_nid = await insertRoom(tx, `!r${members.slice(0, 9).join('-')}:example.org`, '12')
      const common = { membership: 'join', event_nid: 1, sender_nid: 1, pos: 1, is_local: 1, stripped_state: null }
      upsertMemberships(
        tx,
        members.map((user_nid) => ({ room_nid, user_nid, ...common })),
      )
      return room_nid
    })

  const search = async (text: string, limit = 10) => {
    const { users, isLimited } = await directory.search(ME, text, limit)
    return { names: users.map((user) => user.displayName), isLimited }
  }

  it('shows those with whom one shares a room, and nobody else', async () => {
    await add(ME, '김나')
    await add(2, '김이웃')
    await add(3, '김남남')
    await room(ME, 2)
    await room(2, 3)
    expect(await search('김')).toEqual({ names: ['김이웃'], isLimited: false })
  })

  it('shows those in rooms that everybody may join or read', async () => {
    await add(2, '홍길동')
    await add(3, '홍길순')
    const joinable = await room(2)
    const readable = await room(3)
    const set = (update: typeof updateOpenToJoin, roomNid: number, isOpen: boolean) =>
      transact(db, async (tx) => {
        expect(await update(tx, roomNid, isOpen)).toBe(true)
        await refreshOpen(tx, [2, 3])
      })
    expect((await search('홍')).names).toEqual([])
    await set(updateOpenToJoin, joinable, true)
    await set(updateOpenToRead, readable, true)
    expect((await search('ㅎㄱ')).names).toEqual(['홍길동', '홍길순'])
    await set(updateOpenToJoin, joinable, false)
    expect((await search('ㅎㄱ')).names).toEqual(['홍길순'])
  })

  it('follows the opening of a large room in pieces, and after a restart from where it was', async () => {
    const nids = Array.from({ length: 700 }, (_, i) => i + 2)
    await transact(db, async (tx) => {
      for (const userNid of nids) {
        const user = {
          userNid,
          userId: `@u${userNid}:example.org`,
          displayName: `주민${userNid}`,
          avatarUrl: undefined,
          details: undefined,
        } as const
        await indexUser(tx, user)
      }
    })
    const large = await room(...nids)
    await transact(db, async (tx) => {
      await updateOpenToJoin(tx, large, true)
      await queueRefresh(tx, large)
    })
    await refreshDirectory(db, new AbortController().signal)
    expect((await search('주민2')).names).toContain('주민2')
    expect((await search('주민701')).names).toEqual(['주민701'])
  })

  it('shows everybody where that is wanted', async () => {
    directory = new UserDirectory({ db, serverName: 'example.org', showsAll: true })
    await add(2, '홍길동')
    expect((await search('길동')).names).toEqual(['홍길동'])
  })

  it('says when there are more', async () => {
    for (let nid = 2; nid < 6; nid++) await add(nid, `박${nid}`)
    await room(ME, 2, 3, 4, 5)
    expect(await search('박', 4)).toMatchObject({ isLimited: false })
    const { names, isLimited } = await search('박', 3)
    expect([names.length, isLimited]).toEqual([3, true])
    expect(await search('박', 0)).toEqual({ names: [], isLimited: true })
  })

  it('forgets what somebody was called before, and who has left', async () => {
    await add(2, '홍길동')
    await room(ME, 2)
    await add(2, '임꺽정', 'mxc://example.org/a')
    expect((await search('홍길동')).names).toEqual([])
    expect((await search('ㅇㄱㅈ')).names).toEqual(['임꺽정'])
    expect((await directory.search(ME, 'u2', 10)).users).toMatchObject([
      { userNid: 2, userId: '@u2:example.org', displayName: '임꺽정', avatarUrl: 'mxc://example.org/a' },
    ])
    await transact(db, (tx) => unindexUser(tx, 2))
    expect((await search('u2')).names).toEqual([])
  })

  it('finds the neighbours where a name fits very many people', async () => {
    await transact(db, async (tx) => {
      for (let nid = 100; nid < 3300; nid++) {
        await indexUser(tx, {
          userNid: nid,
          userId: `@x${nid}:example.org`,
          displayName: '김가',
          avatarUrl: undefined,
          details: undefined,
        })
      }
    })
    await add(2, '김흔한')
    await room(ME, 2)
    expect(await search('김')).toEqual({ names: ['김흔한'], isLimited: true })
  })

  it('shows the best match first', async () => {
    const named = ['김기획', '김기', '박김기', '기김', '이몽룡']
    for (const [index, name] of named.entries()) await add(10 + index, name)
    await transact(db, (tx) =>
      indexUser(tx, {
        userNid: 20,
        userId: '@u20:example.org',
        displayName: '성춘향',
        avatarUrl: undefined,
        details: '김기관실 주무관 1234',
      }),
    )
    await room(ME, 10, 11, 12, 13, 14, 20)
    expect((await search('김기')).names).toEqual(['김기', '김기획', '박김기', '성춘향'])
    expect((await search('ㄱㄱ')).names.slice(0, 2)).toEqual(['기김', '김기'])
    expect((await search('1234')).names).toEqual(['성춘향'])
    expect((await search('성 1234')).names).toEqual(['성춘향'])
  })

  it('has users of other servers while they are in a room, by the name that they have there', async () => {
    const member = (content: unknown) => ({ userNid: 30, userId: '@hong:other.example', content }) as const
    const follow = (content: unknown) => transact(db, (tx) => followRemoteUsers(tx, [member(content)], 'example.org'))
    const shared = await room(ME, 30)
    expect(await follow({ membership: 'join', displayname: '홍길동' })).toBe(true)
    expect((await search('ㅎㄱㄷ')).names).toEqual(['홍길동'])
    await follow({ membership: 'join', displayname: '임꺽정' })
    expect((await search('임꺽정')).names).toEqual(['임꺽정'])
    await follow(undefined)
    expect((await search('임꺽정')).names).toEqual(['임꺽정'])
    await transact(db, async (tx) => deleteMembership(tx, shared, 30))
    await follow(undefined)
    directory = new UserDirectory({ db, serverName: 'example.org', showsAll: true })
    expect((await search('임꺽정')).names).toEqual([])
  })

  it('shows everybody of this server only, and of others whom one knows', async () => {
    directory = new UserDirectory({ db, serverName: 'example.org', showsAll: true })
    await add(2, '홍길동')
    for (const [userNid, displayname] of [
      [30, '홍이웃'],
      [31, '홍남남'],
    ] as const) {
      const member = { userNid, userId: `@h${userNid}:other.example`, content: { displayname } } as const
      await transact(db, (tx) => followRemoteUsers(tx, [member], 'example.org'))
    }
    await room(ME, 30)
    await room(2, 31)
    expect((await search('홍')).names).toEqual(['홍길동', '홍이웃'])
  })
})
