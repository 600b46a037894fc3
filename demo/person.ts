import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import type { Ministry } from './ministry.ts'

const login = z.object({ access_token: z.string() })
const made = z.object({ room_id: z.string() })
const synced = z.object({
  next_batch: z.string(),
  rooms: z
    .object({
      invite: z.record(z.string(), z.unknown()).default({}),
      join: z.record(z.string(), z.object({ timeline: z.object({ events: z.array(z.unknown()) }) })).default({}),
    })
    .default({ invite: {}, join: {} }),
})
const message = z.object({ sender: z.string(), content: z.object({ body: z.string() }) })

/** What somebody said in a room. */
export interface Heard {
  readonly sender: string
  readonly text: string
}

/** An employee with a client: what it does, it does over HTTP as every Matrix client would. */
export class Person {
  readonly ministry: Ministry
  readonly name: string
  readonly userId: string
  readonly password: string
  readonly #token: string
  readonly #heard: Heard[] = []
  #since: string | undefined
  #sent = 0

  private constructor(ministry: Ministry, name: string, userId: string, password: string, token: string) {
    this.ministry = ministry
    this.name = name
    this.userId = userId
    this.password = password
    this.#token = token
  }

  /** Gives somebody an account, and logs in. `account`: the part of the user id before the colon. */
  static async employ(ministry: Ministry, account: string, name: string): Promise<Person> {
    const password = randomBytes(9).toString('base64url')
    const userId = await ministry.server.services.accounts.createWithPassword(account, password, false)
    const identifier = { type: 'm.id.user', user: account }
    const answer = await ask(ministry, 'POST', '/login', { type: 'm.login.password', identifier, password })
    const person = new Person(ministry, name, userId, password, login.parse(answer).access_token)
    await person.#ask('PUT', `/profile/${encodeURIComponent(userId)}/displayname`, { displayname: name })
    return person
  }

  async createRoom(name: string, invite: readonly Person[]): Promise<string> {
    const invited = invite.map(({ userId }) => userId)
    return made.parse(await this.#ask('POST', '/createRoom', { name, preset: 'private_chat', invite: invited })).room_id
  }

  /** Accepts an invite, once it has come. */
  async accept(roomId: string): Promise<void> {
    for (;;) {
      const { rooms } = await this.#sync(roomId)
      if (roomId in rooms.invite) break
    }
    await this.#ask('POST', `/join/${encodeURIComponent(roomId)}`, {})
  }

  async say(roomId: string, text: string): Promise<void> {
    const path = `/rooms/${encodeURIComponent(roomId)}/send/m.room.message/${++this.#sent}`
    await this.#ask('PUT', path, { msgtype: 'm.text', body: text })
  }

  /** Waits until something said has come. */
  async hear(roomId: string, text: string): Promise<Heard> {
    for (;;) {
      const heard = this.#heard.find((one) => one.text === text)
      if (heard) return heard
      await this.#sync(roomId)
    }
  }

  async #sync(roomId: string): Promise<z.output<typeof synced>> {
    const query = new URLSearchParams({ timeout: '30000', ...(this.#since !== undefined && { since: this.#since }) })
    const answer = synced.parse(await this.#ask('GET', `/sync?${query}`))
    this.#since = answer.next_batch
    for (const event of answer.rooms.join[roomId]?.timeline.events ?? []) {
      const { success, data } = message.safeParse(event)
      if (success) this.#heard.push({ sender: data.sender, text: data.content.body })
    }
    return answer
  }

  #ask(method: string, path: string, body?: object): Promise<unknown> {
    return ask(this.ministry, method, path, body, this.#token)
  }
}

async function ask(ministry: Ministry, method: string, path: string, body?: object, token?: string): Promise<unknown> {
  const response = await fetch(`${ministry.url}/_matrix/client/v3${path}`, {
    method,
    headers: { ...(token !== undefined && { authorization: `Bearer ${token}` }) },
    ...(body && { body: JSON.stringify(body) }),
  })
  const answer = await response.json()
  if (!response.ok) throw new Error(`${method} ${path} on ${ministry.serverName}: ${JSON.stringify(answer)}`)
  return answer
}
