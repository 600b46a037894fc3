import { describe, expect, it } from 'vitest'
import { Client, type User } from '../support/client.ts'
import { startServer } from '../support/server.ts'

const setRules = (user: User, content: object, type = 'org.matrix.msc4155.invite_permission_config') =>
  user.put(`/v3/user/${encodeURIComponent(user.userId)}/account_data/${type}`, content)

/** What becomes of an invite of Bob's to somebody new under these rules. */
async function outcome(bob: User, rules: object, type?: string): Promise<'shown' | 'hidden' | 'refused'> {
  const alice = await new Client(bob.url).register(`alice-${++people}`)
  await setRules(alice, rules, type)
  const roomId = await bob.createRoom()
  const answer = await bob.request('POST', `/v3/rooms/${encodeURIComponent(roomId)}/invite`, { user_id: alice.userId })
  const isShown = (await alice.sync()).rooms?.invite?.[roomId] !== undefined
  if (answer.status === 200) return isShown ? 'shown' : 'hidden'
  expect([answer.status, answer.body.errcode, isShown]).toEqual([403, 'M_INVITE_BLOCKED', false])
  return 'refused'
}

let people = 0

const BOB = '@bob:example.org'

const startWithBob = async () => (await startServer()).client.register('bob')

describe('An invite', () => {
  it('is refused, hidden or shown by the first list of its receiver that names its sender', async () => {
    const bob = await startWithBob()
    for (const [rules, expected] of [
      [{}, 'shown'],
      [{ blocked_users: null, allowed_servers: 1, ignored_users: [1, null] }, 'shown'],
      [{ blocked_users: [BOB] }, 'refused'],
      [{ ignored_users: [BOB] }, 'hidden'],
      [{ blocked_users: ['@b?b:*'] }, 'refused'],
      [{ blocked_servers: ['*.org'] }, 'refused'],
      [{ ignored_servers: ['example.org'] }, 'hidden'],
      [{ blocked_servers: ['elsewhere.org'] }, 'shown'],
      [{ allowed_users: [BOB], ignored_users: [BOB], blocked_servers: ['*'] }, 'shown'],
      [{ blocked_users: [BOB], allowed_servers: ['*'] }, 'refused'],
    ] as const) {
      expect([rules, await outcome(bob, rules)]).toEqual([rules, expected])
    }
  })

  it('is refused by whoever wants none', async () => {
    expect(await outcome(await startWithBob(), { default_action: 'block' }, 'm.invite_permission_config')).toBe(
      'refused',
    )
  })
})
