import { randomBytes } from 'node:crypto'
import { beforeEach, expect, it } from 'vitest'
import type { Credentials } from '../../../src/services/accounts/credentials.ts'
import { EmailProofs } from '../../../src/services/accounts/email/email-proofs.ts'
import { Uia, type UiaRequest } from '../../../src/services/accounts/uia/uia.ts'
import { UiaChallenge } from '../../../src/services/accounts/uia/uia-challenge.ts'
import { UiaSessions } from '../../../src/services/accounts/uia/uia-sessions.ts'
import { countSessions } from '../../../src/storage/accounts/uia.ts'
import { type Db, transact } from '../../../src/storage/db.ts'
import { FakeClock } from '../../support/clock.ts'
import { withDatabases } from '../../support/databases.ts'

interface Body {
  session: string
  completed: string[]
  errcode?: string
}

withDatabases('user-interactive authentication', (open) => {
  let db: Db
  let sessions: UiaSessions
  let uia: Uia
  const clock = new FakeClock()
  beforeEach(async () => {
    db = await open()
    const credentials = {} as Credentials
    sessions = new UiaSessions({ db, clock, random: randomBytes, lifetimeMs: 1000, maxSessions: 50 })
    uia = new Uia({ sessions, credentials, emailProofs: new EmailProofs({ db, validations: undefined }) })
  })

  const request = (auth?: UiaRequest['auth'], operation = 'op'): UiaRequest => ({
    operation,
    auth,
    flows: [['m.login.terms', 'm.login.dummy']],
  })
  const challenge = async (asked: UiaRequest): Promise<Body> => {
    const error: unknown = await uia.authenticate(asked).catch((thrown: unknown) => thrown)
    if (!(error instanceof UiaChallenge)) throw new Error('No challenge', { cause: error })
    return error.toJSON() as Body
  }

  it('leads through the stages of a flow, in any order, each done once', async () => {
    const { session } = await challenge(request())
    const second = await challenge(request({ session, type: 'm.login.dummy' }))
    expect(second).toMatchObject({ session, completed: ['m.login.dummy'] })
    expect(await challenge(request({ session, type: 'm.login.dummy' }))).toMatchObject({ completed: ['m.login.dummy'] })
    expect(await challenge(request({ session }))).toMatchObject({ completed: ['m.login.dummy'] })
    await uia.authenticate(request({ session, type: 'm.login.terms' }))
    await uia.authenticate(request({ session }))
    await uia.authenticate(request({ session, type: 'm.login.terms' }))
  })

  it('keeps what somebody has begun, however many come that do nothing', async () => {
    const { session } = await challenge(request())
    await challenge(request({ session, type: 'm.login.dummy' }))
    for (let i = 0; i < 300; i++) {
      clock.advance(1)
      await challenge(request())
    }
    await uia.authenticate(request({ session, type: 'm.login.terms' }))
  })

  it('lets a session serve one operation of one user', async () => {
    const { session } = await challenge(request())
    await challenge(request({ session, type: 'm.login.dummy' }))
    await uia.authenticate(request({ session, type: 'm.login.terms' }))
    expect((await challenge(request({ session }, 'another'))).session).not.toBe(session)
    const requester = { userNid: 7 } as NonNullable<UiaRequest['requester']>
    expect((await challenge({ ...request({ session }), requester })).session).not.toBe(session)
  })

  it('begins anew when a session has ended or never was', async () => {
    const { session } = await challenge(request())
    clock.advance(1000)
    const late = await challenge(request({ session, type: 'm.login.dummy' }))
    expect(late.session).not.toBe(session)
    expect(late.completed).toEqual(['m.login.dummy'])
    expect((await challenge(request({ session: 'made up' }))).completed).toEqual([])
  })

  it('refuses what is no stage of the flow', async () => {
    for (const type of ['m.login.password', 'toString', '', 5]) {
      expect(await challenge(request({ type }))).toMatchObject({ errcode: 'M_FORBIDDEN', completed: [] })
    }
  })

  it('lets one of several requests finish with a session', async () => {
    const { session } = await challenge(request())
    await challenge(request({ session, type: 'm.login.dummy' }))
    const authorised = await uia.authenticate(request({ session, type: 'm.login.terms' }))
    await transact(db, (tx) => sessions.finish(tx, authorised.session, 'done'))
    await expect(transact(db, (tx) => sessions.finish(tx, authorised.session, 'again'))).rejects.toMatchObject({
      errcode: 'M_FORBIDDEN',
    })
    const repeated = await uia.authenticate(request({ session }))
    expect(repeated.session?.memory.outcome).toBe('done')
    await transact(db, (tx) => sessions.spend(tx, repeated.session))
    await expect(transact(db, (tx) => sessions.spend(tx, repeated.session))).rejects.toMatchObject({
      errcode: 'M_FORBIDDEN',
    })
  })

  it('keeps a bounded number of sessions, and none for ever', async () => {
    for (let i = 0; i < 250; i++) await challenge(request())
    expect(await countSessions(db)).toBeLessThanOrEqual(150)
    const { session } = await challenge(request())
    expect((await challenge(request({ session, type: 'm.login.dummy' }))).session).toBe(session)
    clock.advance(1001)
    await sessions.expire()
    expect(await countSessions(db)).toBe(0)
  })
})
