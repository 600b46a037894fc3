import { describe, expect, it } from 'vitest'
import { roomPath, type User } from '../support/client.ts'
import { startServer } from '../support/server.ts'

type Policy = 'off' | 'default' | 'forced'

const ENCRYPTION = 'm.room.encryption'
const MEGOLM = { algorithm: 'm.megolm.v1.aes-sha2' }

async function world(encryption: Policy) {
  const config = { rooms: { encryption }, public_url: 'https://matrix.example.org' }
  const { client } = await startServer({ config })
  return { client, alice: await client.register('alice') }
}
const encryptionOf = (user: User, roomId: string) => user.request('GET', `${roomPath(roomId)}/state/${ENCRYPTION}`)
const hintOf = async (user: User) => (await user.get('/.well-known/matrix/client'))['io.element.e2ee']

describe('Encryption of rooms', () => {
  it('is a matter of choice by default, and clients are told to begin with it', async () => {
    const { alice } = await world('default')
    expect(await hintOf(alice)).toEqual({ default: true })
    const roomId = await alice.createRoom()
    expect(await encryptionOf(alice, roomId)).toMatchObject({ status: 404 })
    await alice.sendState(roomId, ENCRYPTION, MEGOLM)
    expect(await encryptionOf(alice, roomId)).toMatchObject({ status: 200, body: MEGOLM })
  })

  it('is refused where records are to be readable, and clients are told not to ask', async () => {
    const { alice } = await world('off')
    expect(await hintOf(alice)).toEqual({ default: false, force_disable: true })
    const initial_state = [{ type: ENCRYPTION, content: MEGOLM }]
    const refused = { status: 403, body: { errcode: 'M_FORBIDDEN' } }
    expect(await alice.request('POST', '/v3/createRoom', { initial_state })).toMatchObject(refused)
    const roomId = await alice.createRoom()
    expect(await alice.request('PUT', `${roomPath(roomId)}/state/${ENCRYPTION}`, MEGOLM)).toMatchObject(refused)
    expect(await encryptionOf(alice, roomId)).toMatchObject({ status: 404 })
  })

  it('is there from the beginning where it is forced, but in public rooms and spaces', async () => {
    const { client, alice } = await world('forced')
    expect(await hintOf(alice)).toEqual({ default: true })
    expect((await client.get('/versions')).unstable_features).toMatchObject({ 'io.element.e2ee_forced.private': true })
    const isEncrypted = async (body: object) => (await encryptionOf(alice, await alice.createRoom(body))).status === 200
    expect(await isEncrypted({})).toBe(true)
    expect(await isEncrypted({ preset: 'trusted_private_chat' })).toBe(true)
    expect(await isEncrypted({ preset: 'public_chat' })).toBe(false)
    expect(await isEncrypted({ creation_content: { type: 'm.space' } })).toBe(false)
    const content = { ...MEGOLM, rotation_period_msgs: 10 }
    const roomId = await alice.createRoom({ initial_state: [{ type: ENCRYPTION, content }] })
    expect(await encryptionOf(alice, roomId)).toMatchObject({ body: content })
  })

  it('can be described to clients in other words', async () => {
    const config = { public_url: 'https://matrix.example.org', well_known: { 'io.element.e2ee': { default: false } } }
    const { client } = await startServer({ config })
    expect((await client.get('/.well-known/matrix/client'))['io.element.e2ee']).toEqual({ default: false })
  })
})
