import { expect, it } from 'vitest'
import { startServer } from '../support/server.ts'

const STABLE = '/v1/mutual_rooms'
const UNSTABLE = '/unstable/uk.half-shot.msc2666/user/mutual_rooms'

async function pair() {
  const { client } = await startServer()
  return { client, alice: await client.register('alice'), bob: await client.register('bob') }
}

it('names the rooms that both are joined to now, to either of them', async () => {
  const { alice, bob } = await pair()
  const shared = await alice.createRoom({ preset: 'public_chat' })
  const left = await alice.createRoom({ preset: 'public_chat' })
  const invited = await alice.createRoom({ invite: [bob.userId] })
  await alice.createRoom()
  await bob.join(shared)
  await bob.join(left)
  await bob.leave(left)
  const expected = { joined: [shared], count: 1 }
  expect(await alice.get(`${STABLE}?user_id=${bob.userId}`)).toEqual(expected)
  expect(await bob.get(`${STABLE}?user_id=${alice.userId}`)).toEqual(expected)
  expect(await bob.get(`${UNSTABLE}?user_id=${alice.userId}`)).toEqual(expected)
  await bob.join(invited)
  expect(await bob.get(`${STABLE}?user_id=${alice.userId}&from=r0`)).toEqual({ joined: [shared, invited], count: 2 })
})

it('names none with a user who does not exist, and refuses oneself and what makes no sense', async () => {
  const { alice } = await pair()
  await alice.createRoom()
  expect(await alice.get(`${STABLE}?user_id=@nobody:example.org`)).toEqual({ joined: [], count: 0 })
  for (const query of [`user_id=${alice.userId}`, 'user_id=nobody', 'user_id=@bob:example.org&from=x']) {
    const { status, body } = await alice.request('GET', `${STABLE}?${query}`)
    expect([status, body.errcode]).toEqual([400, 'M_INVALID_PARAM'])
  }
  expect((await alice.request('GET', STABLE)).status).toBe(400)
})

it('is announced under the name by which clients look for it', async () => {
  const { client } = await pair()
  expect((await client.get('/versions')).unstable_features).toMatchObject({
    'uk.half-shot.msc2666.query_mutual_rooms': true,
  })
})
