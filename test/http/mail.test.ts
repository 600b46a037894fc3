import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import { expect, it, onTestFinished } from 'vitest'
import type { ConfigInput } from '../../src/config/schema.ts'
import { smtpDelivery } from '../../src/outbound/smtp.ts'
import type { Client } from '../support/client.ts'
import { linkIn, MailServer } from '../support/mail-server.ts'
import { openServer, startServer } from '../support/server.ts'
import { Authority } from '../support/tls.ts'

const PASSWORD = 'correct horse battery staple'
const ADDRESS = 'alice@mail.example.org'
const asAlice = { type: 'm.login.password', identifier: { type: 'm.id.user', user: 'alice' }, password: PASSWORD }

async function withMail(config: Partial<ConfigInput> = {}, given?: MailServer) {
  const mail = given ?? (await MailServer.start())
  const lines: string[] = []
  const sink = new Writable({ write: (chunk, _encoding, done) => done(void lines.push(String(chunk))) })
  const server = await startServer({
    config: { public_url: 'https://m.example.org', mail: mail.config, ...config },
    log: pino({ level: 'debug' }, sink),
  })
  return { ...server, mail, lines }
}

const requestToken = (client: Client, what: string, email: string, more = {}) =>
  client.request('POST', `/v3${what}/email/requestToken`, { client_secret: 's3cret', send_attempt: 1, email, ...more })

/** Follows the link of a mail, as a person does. */
async function confirm(client: Client, link: string) {
  const page = await client.request('GET', link)
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
  return client.request('POST', link)
}

/** Gives Alice her address. */
async function aliceWithAddress({ client, mail }: Awaited<ReturnType<typeof withMail>>) {
  const alice = await client.register('alice')
  const arrival = mail.next()
  const { body } = await requestToken(client, '/account/3pid', ADDRESS)
  await confirm(client, linkIn(await arrival))
  await alice.post('/v3/account/3pid/add', { sid: body.sid, client_secret: 's3cret', auth: asAlice })
  return alice
}

it('gives an account an address that its user has confirmed, and lets the user log in with it', async () => {
  const { client, mail, lines } = await withMail()
  const alice = await client.register('alice')
  expect(await alice.get('/v3/account/3pid')).toEqual({ threepids: [] })
  expect((await alice.get('/v3/capabilities')).capabilities['m.3pid_changes']).toEqual({ enabled: true })
  const arrival = mail.next()
  const { sid } = (await requestToken(client, '/account/3pid', 'Alice@Mail.example.org')).body
  const arrived = await arrival
  expect(arrived?.to).toBe(ADDRESS)
  expect(arrived?.text).toContain('직접 하신 일이면')
  // No answer for those who are away (RFC 3834).
  expect(arrived?.head).toMatch(/^auto-submitted: auto-generated$/im)
  // The same attempt is one mail; looking at the page confirms nothing.
  expect((await requestToken(client, '/account/3pid', ADDRESS)).body.sid).toBe(sid)
  await client.request('GET', linkIn(arrived))

  const add = (auth?: object) => alice.request('POST', '/v3/account/3pid/add', { sid, client_secret: 's3cret', auth })
  expect((await add()).status).toBe(401)
  expect((await add(asAlice)).body.errcode).toBe('M_THREEPID_AUTH_FAILED')
  const wrong = linkIn(arrived).replace(/token=.{5}/, 'token=wrong')
  expect((await client.request('POST', wrong)).status).toBe(400)
  expect((await confirm(client, linkIn(arrived))).status).toBe(200)
  expect((await add(asAlice)).body).toEqual({})
  expect((await add(asAlice)).status).toBe(403)
  expect((await alice.get('/v3/account/3pid')).threepids).toEqual([
    expect.objectContaining({ medium: 'email', address: ADDRESS }),
  ])

  const identifier = { type: 'm.id.thirdparty', medium: 'email', address: 'ALICE@mail.example.org' }
  const logIn = (password: string) =>
    client.request('POST', '/v3/login', { type: 'm.login.password', identifier, password })
  expect((await logIn(PASSWORD)).body.user_id).toBe(alice.userId)
  expect((await logIn('wrong')).body.errcode).toBe('M_FORBIDDEN')

  await alice.post('/v3/account/3pid/delete', { medium: 'email', address: ADDRESS })
  expect(await alice.get('/v3/account/3pid')).toEqual({ threepids: [] })
  expect((await logIn(PASSWORD)).body.errcode).toBe('M_FORBIDDEN')
  const said = lines.join('')
  for (const secret of [ADDRESS, 's3cret', sid, 'token=']) expect(said).not.toContain(secret)
})

it('resets a password by mail, once, for the owner of the address alone', async () => {
  const context = await withMail()
  const { client, mail } = context
  const alice = await aliceWithAddress(context)
  const nobody = await requestToken(client, '/account/password', 'nobody@mail.example.org')
  expect([nobody.status, Object.keys(nobody.body)]).toEqual([200, ['sid']])

  const arrival = mail.next()
  const { sid } = (await requestToken(client, '/account/password', ADDRESS)).body
  const link = linkIn(await arrival)
  const reset = (password: string, threepid_creds = { sid, client_secret: 's3cret' }) =>
    client.request('POST', '/v3/account/password', {
      new_password: password,
      auth: { type: 'm.login.email.identity', threepid_creds },
    })
  expect((await reset('a new pass phrase')).body.errcode).toBe('M_UNAUTHORIZED')
  await confirm(client, link)
  expect((await reset('a new pass phrase', { sid, client_secret: 'other' })).status).toBe(401)
  expect((await reset('a new pass phrase')).body).toEqual({})
  expect((await reset('another pass phrase')).status).toBe(401)
  expect((await alice.request('GET', '/v3/account/whoami')).status).toBe(401)
  expect((await client.login('alice', 'a new pass phrase')).userId).toBe(alice.userId)
})

it('takes a confirmation for as long as its link is good, however many mails are asked for', async () => {
  const context = await withMail()
  const { client, mail, clock } = context
  await aliceWithAddress(context)
  const ask = async (send_attempt: number) => {
    const arrival = mail.next()
    const { sid } = (await requestToken(client, '/account/password', ADDRESS, { send_attempt })).body
    return { sid, link: linkIn(await arrival) }
  }
  const { sid, link } = await ask(1)
  await confirm(client, link)
  clock.advance(2_400_000)
  const again = await ask(2)
  expect(again.sid).toBe(sid)
  clock.advance(2_400_000)
  const reset = () =>
    client.request('POST', '/v3/account/password', {
      new_password: 'a new pass phrase',
      auth: { type: 'm.login.email.identity', threepid_creds: { sid, client_secret: 's3cret' } },
    })
  expect((await reset()).status).toBe(401)
  await confirm(client, again.link)
  expect((await reset()).status).toBe(200)
})

it('resets no password by a mail of the time before it was changed', async () => {
  const context = await withMail()
  const { client, mail } = context
  const alice = await aliceWithAddress(context)
  const arrival = mail.next()
  const { sid } = (await requestToken(client, '/account/password', ADDRESS)).body
  await confirm(client, linkIn(await arrival))
  await alice.post('/v3/account/password', { auth: asAlice, new_password: 'a new pass phrase' })
  const auth = { type: 'm.login.email.identity', threepid_creds: { sid, client_secret: 's3cret' } }
  const reset = await client.request('POST', '/v3/account/password', { new_password: 'a stolen pass phrase', auth })
  expect([reset.status, reset.body.errcode]).toEqual([401, 'M_UNAUTHORIZED'])
})

it('does not tell by its limits whose an address is', async () => {
  const context = await withMail({ rate_limits: { login: { user: { per_second: 0.001, burst: 3 } } } })
  await aliceWithAddress(context)
  const attempts = async (identifier: object) => {
    const statuses: number[] = []
    for (let i = 0; i < 4; i++) {
      const body = { type: 'm.login.password', identifier, password: 'wrong' }
      statuses.push((await context.client.request('POST', '/v3/login', body)).status)
    }
    return statuses
  }
  expect(await attempts(asAlice.identifier)).toContain(429)
  for (const address of [ADDRESS, 'nobody@mail.example.org']) {
    expect(await attempts({ type: 'm.id.thirdparty', medium: 'email', address })).toEqual([403, 403, 403, 429])
  }
})

it('registers with a confirmed address where one is required, and tells only the owner that it is taken', async () => {
  const context = await withMail({ registration: { mode: 'open', email: 'required' } })
  const { client, mail } = context
  const flows = (await client.request('POST', '/v3/register', { username: 'bob' })).body.flows
  expect(flows).toEqual([{ stages: ['m.login.email.identity'] }])
  const confirmed = async (client_secret: string, email: string) => {
    const arrival = mail.next()
    const { sid } = (await requestToken(client, '/register', email, { client_secret })).body
    const arrived = await arrival
    const link = linkIn(arrived)
    if (link !== '') await confirm(client, link)
    return { sid, client_secret, link, text: arrived?.text }
  }
  const register = (username: string, { sid, client_secret }: { sid: string; client_secret: string }) =>
    client.request('POST', '/v3/register', {
      username,
      password: PASSWORD,
      auth: { type: 'm.login.email.identity', threepid_creds: { sid, client_secret } },
    })
  const bobs = await confirmed('one', 'bob@mail.example.org')
  expect((await register('bob', bobs)).body.user_id).toBe('@bob:example.org')
  expect((await register('bob2', bobs)).status).toBe(401)

  const taken = await confirmed('two', 'bob@mail.example.org')
  expect([taken.link, taken.text]).toEqual(['', expect.stringContaining('belongs to an account already')])
  expect((await register('bob3', taken)).status).toBe(401)
})

it('tries again what the mail server does not take, and gives up what it never will', async () => {
  const { client, mail, clock, lines } = await withMail()
  mail.refusal = 451
  const refused = mail.next()
  await requestToken(client, '/account/3pid', ADDRESS)
  await refused
  mail.refusal = undefined
  const arrival = mail.next()
  // The server sleeps before it tries again; how long it takes to fall asleep is its own affair.
  const nudge = setInterval(() => clock.advance(15_000), 20)
  expect((await arrival)?.to).toBe(ADDRESS)
  clearInterval(nudge)
  const said = lines.filter((line) => line.includes('did not take a mail'))
  expect(said).toEqual([expect.stringContaining('"willRetry":true')])
  expect(said.join('')).not.toContain(ADDRESS)

  mail.refusal = 550
  const lost = mail.next()
  await requestToken(client, '/account/3pid', 'gone@mail.example.org', { client_secret: 'other' })
  await lost
  mail.refusal = undefined
  const following = mail.next()
  await requestToken(client, '/account/3pid', 'next@mail.example.org', { client_secret: 'third' })
  expect((await following)?.to).toBe('next@mail.example.org')
})

it('sends by TLS alone where it is told to, to a server that its authorities vouch for', async () => {
  const authority = await Authority.create()
  const mail = await MailServer.start(await authority.issue('127.0.0.1'))
  const directory = mkdtempSync(join(tmpdir(), 'bongsu-mail-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'ca.pem')
  writeFileSync(file, authority.cert)
  const config = { public_url: 'https://m.example.org', mail: { ...mail.config, security: 'starttls' as const } }
  const { client } = await startServer({ config: { ...config, outbound: { authorities_file: file } } })
  const arrival = mail.next()
  await requestToken(client, '/account/3pid', ADDRESS)
  expect((await arrival)?.to).toBe(ADDRESS)

  const reasons: string[] = []
  const send = (port: number, ca: string[] | undefined) =>
    smtpDelivery({ host: '127.0.0.1', port, security: 'starttls', login: undefined, from: 'a@b.org', ca })({
      recipient: ADDRESS,
      subject: 'Hello',
      text: 'Hello',
    })
  for (const delivery of [await send(mail.port, undefined), await send((await MailServer.start()).port, undefined)]) {
    expect(delivery.is).toBe('postponed')
    reasons.push('reason' in delivery ? delivery.reason : '')
  }
  expect(reasons.join('')).not.toContain(ADDRESS)
  expect(mail.got).toHaveLength(1)
})

it('can be stopped while a mail server says nothing, and sends the mail after the restart', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'bongsu-mail-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const mute = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void mute.close())
  await once(mute, 'listening')
  const connected = once(mute, 'connection')
  const { port } = mute.address() as AddressInfo
  const common = { public_url: 'https://m.example.org' }
  const config = { ...common, mail: { host: '127.0.0.1', port, security: 'none' as const } }
  const before = await openServer({ directory, config })
  await requestToken(before.client, '/account/3pid', ADDRESS)
  const [socket] = await connected
  await before.close()
  socket.destroy()

  const mail = await MailServer.start()
  const arrival = mail.next()
  await startServer({ directory, clock: before.clock, config: { ...common, mail: mail.config } })
  expect((await arrival)?.to).toBe(ADDRESS)
})

it('refuses what is no address, floods to one, and links that are too old', async () => {
  const { client, mail, clock } = await withMail()
  for (const email of ['alice', 'a b@c.org', 'a@b@c', 'a@b.org\r\nBcc: c@d.org', '<a@b.org>']) {
    expect((await requestToken(client, '/account/3pid', email)).body.errcode, email).toBe('M_INVALID_PARAM')
  }
  expect((await requestToken(client, '/register', ADDRESS)).body.errcode).toBe('M_THREEPID_DENIED')
  const arrival = mail.next()
  await requestToken(client, '/account/3pid', ADDRESS)
  const link = linkIn(await arrival)
  clock.advance(3_600_000)
  expect((await client.request('POST', link)).status).toBe(400)
  const answers = []
  for (let attempt = 2; attempt < 9; attempt++) {
    answers.push((await requestToken(client, '/account/3pid', ADDRESS, { send_attempt: attempt })).status)
  }
  expect(answers).toContain(429)
})

it('says which addresses have accounts where that is no secret, and frees those of accounts that end', async () => {
  const mail = await MailServer.start()
  const context = await withMail({ mail: { ...mail.config, reveal_addresses: true } }, mail)
  const alice = await aliceWithAddress(context)
  const { client } = context
  const unknown = await requestToken(client, '/account/password', 'nobody@mail.example.org')
  expect(unknown.body.errcode).toBe('M_THREEPID_NOT_FOUND')
  const again = await requestToken(client, '/account/3pid', ADDRESS, { client_secret: 'other' })
  expect(again.body.errcode).toBe('M_THREEPID_IN_USE')
  await alice.post('/v3/account/deactivate', { auth: asAlice })
  expect((await requestToken(client, '/account/password', ADDRESS)).body.errcode).toBe('M_THREEPID_NOT_FOUND')
})

it('resets the password of an account by the address that the office gave it', async () => {
  const { client, mail, server } = await withMail()
  const alice = await client.register('alice')
  const { accounts, thirdPartyIds } = server.services
  const { userNid } = await accounts.get('alice')
  await expect(thirdPartyIds.vouch(userNid, 'no address')).rejects.toMatchObject({ errcode: 'M_INVALID_PARAM' })
  await thirdPartyIds.vouch(userNid, ADDRESS.toUpperCase())
  await thirdPartyIds.vouch(userNid, ADDRESS)
  expect((await alice.get('/v3/account/3pid')).threepids).toMatchObject([{ medium: 'email', address: ADDRESS }])
  const bob = await accounts.get((await client.register('bob')).userId)
  await expect(thirdPartyIds.vouch(bob.userNid, ADDRESS)).rejects.toMatchObject({ errcode: 'M_THREEPID_IN_USE' })

  const arrival = mail.next()
  const { sid } = (await requestToken(client, '/account/password', ADDRESS)).body
  await confirm(client, linkIn(await arrival))
  const auth = { type: 'm.login.email.identity', threepid_creds: { sid, client_secret: 's3cret' } }
  const reset = { new_password: 'another horse battery staple', auth }
  expect((await client.request('POST', '/v3/account/password', reset)).status).toBe(200)
  const identifier = { type: 'm.id.user', user: 'alice' }
  const login = { type: 'm.login.password', identifier, password: reset.new_password }
  expect((await client.request('POST', '/v3/login', login)).status).toBe(200)
})

it('has the endpoints without mail, too', async () => {
  const { client } = await startServer()
  const alice = await client.register('alice')
  expect(await alice.get('/v3/account/3pid')).toEqual({ threepids: [] })
  expect((await alice.get('/v3/capabilities')).capabilities['m.3pid_changes']).toEqual({ enabled: false })
  for (const what of ['/register', '/account/password', '/account/3pid']) {
    const phone = { client_secret: 'a', country: 'KR', phone_number: '01012345678', send_attempt: 1 }
    const answers = [
      await requestToken(client, what, ADDRESS),
      await client.request('POST', `/v3${what}/msisdn/requestToken`, phone),
    ]
    for (const { body } of answers) expect(body.errcode).toBe('M_THREEPID_MEDIUM_NOT_SUPPORTED')
  }
  const session = { sid: 'a', client_secret: 'b', id_server: 'id.example.org', id_access_token: 'c' }
  const bound = await alice.request('POST', '/v3/account/3pid/bind', session)
  expect(bound.body.errcode).toBe('M_SERVER_NOT_TRUSTED')
  const posted = await alice.request('POST', '/v3/account/3pid', { three_pid_creds: session })
  expect(posted.body.errcode).toBe('M_THREEPID_AUTH_FAILED')
  const unbound = await alice.post('/v3/account/3pid/unbind', { medium: 'email', address: ADDRESS })
  expect(unbound).toEqual({ id_server_unbind_result: 'no-support' })
  expect((await client.request('POST', '/v3/account/password', {})).body.flows).toEqual([
    { stages: ['m.login.password'] },
  ])
})
