import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { Client, roomPath, type User } from '../support/client.ts'
import { until } from '../support/federated.ts'
import { openServer, type TestServer } from '../support/server.ts'

interface Options {
  readonly rooms?: readonly string[]
  readonly next?: string
  readonly [key: string]: unknown
}

async function search(user: User, term: string, { rooms, next, ...more }: Options = {}) {
  const query = next === undefined ? '' : `?next_batch=${next}`
  const { filter = {}, ...rest } = more
  const answer = await user.post(`/v3/search${query}`, {
    search_categories: {
      room_events: {
        search_term: term,
        order_by: 'recent',
        filter: { ...(filter as object), ...(rooms && { rooms }) },
        ...rest,
      },
    },
  })
  return answer.search_categories.room_events
}

const bodiesOf = (found: { results: { result: { content: { body?: string } } }[] }) =>
  found.results.map(({ result }) => result.content.body)

it('can be switched off: nothing is indexed, and what was is deleted', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'bongsu-search-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const before = await openServer({ directory })
  const alice = await before.client.register('alice')
  const roomId = await alice.createRoom()
  await alice.send(roomId, '예산안')
  // A search waits for the index no longer than a second, and here the index only begins.
  await until(
    () => search(alice, '예산'),
    ({ count }) => count === 1,
  )
  const { clock } = before
  await before.close()

  const without = await openServer({ directory, clock, config: { search: { messages: false } } })
  const room_events = { search_term: '예산' }
  const refused = await new Client(without.url, alice.accessToken).request('POST', '/v3/search', {
    search_categories: { room_events },
  })
  expect([refused.status, refused.body.errcode]).toEqual([404, 'M_UNRECOGNIZED'])
  expect(existsSync(join(directory, 'bongsu.db.search'))).toBe(false)
  await without.close()
})

describe('searching what was said', () => {
  let server: TestServer
  let alice: User
  let bob: User
  beforeAll(async () => {
    server = await openServer()
    alice = await server.client.register('alice')
    bob = await server.client.register('bob')
  })
  afterAll(() => server.close())

  const said = async (user: User, ...texts: string[]) => {
    const roomId = await user.createRoom({ preset: 'public_chat' })
    for (const text of texts) await user.send(roomId, text)
    return roomId
  }

  it('finds Korean by one, two and more syllables, inside words, however they are composed', async () => {
    const rooms = [await said(alice, '예산안검토 결과입니다', '다음 주 회의는 취소'.normalize('NFD'), '점심')]
    for (const term of ['예', '예산', '검토', '산안검', '예산안검토', '토 예']) {
      expect(bodiesOf(await search(alice, term, { rooms })), term).toEqual(['예산안검토 결과입니다'])
    }
    expect((await search(alice, '회의', { rooms })).count).toBe(1)
    expect((await search(alice, '회의'.normalize('NFD'), { rooms })).count).toBe(1)
    expect((await search(alice, '회의를', { rooms })).count).toBe(0)
    expect((await search(alice, '예산 점심', { rooms })).count).toBe(0)
  })

  it('finds file names, numbers and words, and what is missing a space', async () => {
    const rooms = [await said(alice, '예산안 검토 요청', 'Meeting at 10')]
    const file = { msgtype: 'm.file', body: '확인 부탁', filename: '2026_회의자료-최종.hwp'.normalize('NFD') }
    await alice.send(rooms[0] ?? '', file)
    for (const term of ['회의자료', '최종.hwp', '2026', 'HWP', '확인']) {
      expect((await search(alice, term, { rooms })).results, term).toHaveLength(1)
    }
    expect(bodiesOf(await search(alice, '예산안검토', { rooms }))).toEqual(['예산안 검토 요청'])
    expect(bodiesOf(await search(alice, 'ｍｅｅｔｉｎｇ', { rooms }))).toEqual(['Meeting at 10'])
    expect(bodiesOf(await search(alice, 'meet', { rooms }))).toEqual([])
    expect((await search(alice, '!?', { rooms })).results).toEqual([])
  })

  it('finds names and topics of rooms by their keys', async () => {
    const roomId = await alice.createRoom({ name: '예산 담당', topic: '집행 점검' })
    await alice.send(roomId, '예산 집행')
    const rooms = [roomId]
    const typesBy = async (keys?: string[]) =>
      (await search(alice, '예산', { rooms, ...(keys && { keys }) })).results.map(
        ({ result }: { result: { type: string } }) => result.type,
      )
    expect(await typesBy()).toEqual(['m.room.message', 'm.room.name'])
    expect(await typesBy(['content.body'])).toEqual(['m.room.message'])
    expect(await typesBy(['content.name', 'content.topic'])).toEqual(['m.room.name'])
    expect((await search(alice, '점검', { rooms, keys: ['content.topic'] })).count).toBe(1)
    const named = await search(alice, '예산', { rooms, filter: { types: ['m.room.name'] } })
    expect(named.count).toBe(1)
  })

  it('finds a message by what it was edited to, and not at all once it is redacted', async () => {
    const roomId = await said(alice)
    const rooms = [roomId]
    const eventId = await alice.send(roomId, '처음 문장')
    expect((await search(alice, '처음', { rooms })).count).toBe(1)
    const edit = await alice.send(roomId, {
      msgtype: 'm.text',
      body: '* 나중 문장',
      'm.new_content': { msgtype: 'm.text', body: '나중 문장' },
      'm.relates_to': { rel_type: 'm.replace', event_id: eventId },
    })
    expect((await search(alice, '처음', { rooms })).count).toBe(0)
    const found = await search(alice, '나중', { rooms })
    expect(found.results.map(({ result }: { result: { event_id: string } }) => result.event_id)).toEqual([eventId])
    await alice.put(`${roomPath(roomId)}/redact/${encodeURIComponent(edit)}/r1`)
    expect((await search(alice, '나중', { rooms })).count).toBe(0)
    expect((await search(alice, '처음', { rooms })).count).toBe(1)
    await alice.put(`${roomPath(roomId)}/redact/${encodeURIComponent(eventId)}/r2`)
    expect((await search(alice, '처음', { rooms })).results).toEqual([])
  })

  it('pages to the end, each hit once, in either order', async () => {
    const texts = Array.from({ length: 25 }, (_, index) => `보고 ${'아주 '.repeat(index % 3)}${index}번`)
    const rooms = [await said(alice, ...texts)]
    for (const order of ['recent', 'rank']) {
      const seen: (string | undefined)[] = []
      const ranks: number[] = []
      let next: string | undefined
      do {
        const page = await search(alice, '보고', { rooms, order_by: order, ...(next && { next }) })
        expect(page.count).toBe(25)
        seen.push(...bodiesOf(page))
        ranks.push(...page.results.map(({ rank }: { rank: number }) => rank))
        next = page.next_batch
      } while (next !== undefined)
      expect(seen.toSorted()).toEqual(texts.toSorted())
      if (order === 'recent') expect(seen).toEqual(texts.toReversed())
      else expect(ranks).toEqual(ranks.toSorted((a, b) => b - a))
    }
    const { status } = await alice.request('POST', '/v3/search?next_batch=nonsense', {
      search_categories: { room_events: { search_term: '보고' } },
    })
    expect(status).toBe(400)
  })

  it('shows what surrounds a hit, with the names of that time, and the state of its room', async () => {
    const roomId = await said(alice, '하나', '둘', '바로 이것', '넷', '다섯')
    const found = await search(alice, '이것', {
      rooms: [roomId],
      event_context: { before_limit: 1, after_limit: 2, include_profile: true },
      include_state: true,
    })
    const [{ context }] = found.results
    expect(context.events_before.map((event: { content: { body: string } }) => event.content.body)).toEqual(['둘'])
    expect(context.events_after.map((event: { content: { body: string } }) => event.content.body)).toEqual([
      '넷',
      '다섯',
    ])
    expect(context.profile_info[alice.userId].displayname).toBe('alice')
    const before = await alice.get(`${roomPath(roomId)}/messages?dir=b&limit=1&from=${context.start}`)
    expect(before.chunk[0].content.body).toBe('하나')
    expect(found.state[roomId].some((event: { type: string }) => event.type === 'm.room.create')).toBe(true)
    expect(found.highlights).toEqual(['이것'])
  })

  it('groups hits by room and sender, and goes on within one group', async () => {
    const rooms = [await said(alice, '결재 1', '결재 2'), await said(bob, '결재 3')]
    await alice.join(rooms[1] ?? '')
    const groupings = { group_by: [{ key: 'room_id' }, { key: 'sender' }] }
    const filter = { limit: 2 }
    const found = await search(alice, '결재', { rooms, groupings, filter })
    expect(found.groups.room_id[rooms[1] ?? ''].results).toHaveLength(1)
    expect(Object.keys(found.groups.sender).toSorted()).toEqual([alice.userId, bob.userId])
    const next = found.groups.room_id[rooms[0] ?? ''].next_batch
    expect(bodiesOf(await search(alice, '결재', { rooms, groupings, filter, next }))).toEqual(['결재 1'])
    const byBob = await search(alice, '결재', { rooms, filter: { senders: [bob.userId] } })
    expect([byBob.count, bodiesOf(byBob)]).toEqual([1, ['결재 3']])
    expect((await search(alice, '결재', { rooms, filter: { not_senders: [bob.userId] } })).results).toHaveLength(2)
  })

  it('finds nothing that the user may not see, and does not count it either', async () => {
    const roomId = await said(bob, '비밀 하나', '비밀 둘')
    expect((await search(alice, '비밀', { rooms: [roomId] })).count).toBe(0)
    await bob.put(`${roomPath(roomId)}/state/m.room.history_visibility`, { history_visibility: 'joined' })
    await bob.send(roomId, '비밀 셋')
    await alice.join(roomId)
    await bob.send(roomId, '비밀 넷')
    const inside = await search(alice, '비밀', { rooms: [roomId] })
    expect(bodiesOf(inside)).toEqual(['비밀 넷', '비밀 둘', '비밀 하나'])
    expect(inside.count).toBe(3)
    await alice.post(`${roomPath(roomId)}/leave`)
    await bob.send(roomId, '비밀 다섯')
    const outside = await search(alice, '비밀', { rooms: [roomId], filter: { limit: 1 } })
    expect([outside.count, bodiesOf(outside)]).toEqual([3, ['비밀 넷']])
    await alice.post(`${roomPath(roomId)}/forget`)
    expect((await search(alice, '비밀', { rooms: [roomId] })).count).toBe(0)
  })

  it('leaves out whom the user ignores', async () => {
    const roomId = await said(bob, '소음')
    await alice.join(roomId)
    expect((await search(alice, '소음', { rooms: [roomId] })).results).toHaveLength(1)
    const list = `/v3/user/${encodeURIComponent(alice.userId)}/account_data/m.ignored_user_list`
    await alice.put(list, { ignored_users: { [bob.userId]: {} } })
    expect(await search(alice, '소음', { rooms: [roomId] })).toMatchObject({ count: 0, results: [] })
    await alice.put(list, { ignored_users: {} })
  })

  it('tells who came later nothing of what somebody wrote who asked to be erased', async () => {
    const carol = await server.client.register('carol')
    const roomId = await said(carol)
    await bob.join(roomId)
    await carol.send(roomId, '사생활')
    expect((await search(bob, '사생활', { rooms: [roomId] })).count).toBe(1)
    const { session } = (await carol.request('POST', '/v3/account/deactivate', { erase: true })).body
    const identifier = { type: 'm.id.user', user: 'carol' }
    const auth = { type: 'm.login.password', identifier, password: 'correct horse battery staple', session }
    await carol.post('/v3/account/deactivate', { erase: true, auth })
    await alice.join(roomId)
    expect(await search(alice, '사생활', { rooms: [roomId] })).toMatchObject({ count: 0, results: [] })
    expect((await search(bob, '사생활', { rooms: [roomId] })).count).toBe(1)
  })

  it('forgets a room once it is encrypted', async () => {
    const roomId = await said(alice, '평문')
    expect((await search(alice, '평문', { rooms: [roomId] })).count).toBe(1)
    await alice.put(`${roomPath(roomId)}/state/m.room.encryption`, { algorithm: 'm.megolm.v1.aes-sha2' })
    await alice.send(roomId, '평문 또')
    expect((await search(alice, '평문', { rooms: [roomId] })).count).toBe(0)
  })

  it('finds the same after the index was thrown away', async () => {
    const rooms = [await said(alice, '다시 만든 색인')]
    expect((await search(alice, '색인', { rooms })).count).toBe(1)
    await server.server.services.searchIndex?.rebuild()
    await server.server.services.searchIndex?.caughtUp()
    expect((await search(alice, '색인', { rooms })).count).toBe(1)
  })
})
