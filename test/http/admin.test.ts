import { describe, expect, it } from 'vitest'
import { administrator } from '../support/administrator.ts'
import type { User } from '../support/client.ts'
import { startServer } from '../support/server.ts'

const pathOf = (what: string, userId: string) => `/v1/admin/${what}/${encodeURIComponent(userId)}`
const whoIs = (userId: string) => `/v3/admin/whois/${encodeURIComponent(userId)}`

async function adminAndUsers() {
  const started = await startServer()
  const { client } = started
  const admin = await administrator(started)
  return { client, admin, alice: await client.register('alice'), bob: await client.register('bob') }
}

describe('An administrator', () => {
  it('locks an account on all devices, and unlocks it', async () => {
    const { client, admin, alice } = await adminAndUsers()
    const other = await client.login('alice')
    const path = pathOf('lock', alice.userId)
    expect(await admin.get(path)).toEqual({ locked: false })
    expect((await admin.request('PUT', path, { locked: true })).body).toEqual({ locked: true })
    for (const device of [alice, other]) {
      expect(await device.request('GET', '/v3/sync')).toMatchObject({ status: 401, body: { errcode: 'M_USER_LOCKED' } })
    }
    expect(await admin.get(path)).toEqual({ locked: true })
    await admin.request('PUT', path, { locked: false })
    await alice.get('/v3/sync')
  })

  it('suspends an account, and restores it', async () => {
    const { admin, alice } = await adminAndUsers()
    const path = pathOf('suspend', alice.userId)
    expect((await admin.request('PUT', path, { suspended: true })).body).toEqual({ suspended: true })
    expect(await alice.request('POST', '/v3/createRoom', {})).toMatchObject({ body: { errcode: 'M_USER_SUSPENDED' } })
    expect(await admin.get(path)).toEqual({ suspended: true })
    await admin.request('PUT', path, { suspended: false })
    await alice.createRoom()
  })

  it('cannot do it to administrators, to strangers, or to nobody', async () => {
    const { admin } = await adminAndUsers()
    const lock = (userId: string) => admin.request('PUT', pathOf('lock', userId), { locked: true })
    expect(await lock(admin.userId)).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } })
    expect(await lock('@a:elsewhere.org')).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } })
    expect(await lock(admin.userId.replace('admin', 'nobody'))).toMatchObject({ status: 404 })
  })

  it('sees where others are logged in; everybody sees that of themselves alone', async () => {
    const { admin, alice, bob } = await adminAndUsers()
    const devicesOf = async (asker: User) => Object.keys((await asker.get(whoIs(alice.userId))).devices as object)
    expect(await devicesOf(admin)).toEqual([alice.deviceId])
    expect(await devicesOf(alice)).toEqual([alice.deviceId])
    expect((await bob.request('GET', whoIs(alice.userId))).status).toBe(403)
  })
})

it('others are refused whatever account they name', async () => {
  const { alice, bob } = await adminAndUsers()
  for (const userId of [bob.userId, bob.userId.replace('bob', 'nobody'), '@a:elsewhere.org']) {
    for (const [what, flag] of [
      ['lock', 'locked'],
      ['suspend', 'suspended'],
    ] as const) {
      expect((await alice.request('GET', pathOf(what, userId))).status).toBe(403)
      expect((await alice.request('PUT', pathOf(what, userId), { [flag]: true })).status).toBe(403)
    }
  }
})
