import { differencesOfAnswer } from '../spec/answers.ts'

/** An answer as it came. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes, and a wrong one fails them
  readonly body: any
}

/** An answer that is no success, thrown by the methods that expect one. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly answer: Answer
  constructor(what: string, answer: Answer) {
    super(`${what} was answered ${answer.status} ${JSON.stringify(answer.body)}`)
    this.answer = answer
  }
}

const PASSWORD = 'correct horse battery staple'

/** A client nobody has logged in. Paths begin behind `/_matrix/client`, as in `/v3/login`; others name the whole path. */
export class Client {
  readonly url: string
  readonly accessToken: string | undefined

  constructor(url: string, accessToken?: string) {
    this.url = url
    this.accessToken = accessToken
  }

  /** Sends a request and returns whatever the answer is, as long as it has the specification's form. A string body is sent as it is. */
  async request(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const sent = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
    const target = new URL(this.url + fullPath(path)) // as it is sent: `..` in a path is resolved
    const response = await fetch(target, {
      method,
      headers: { ...(this.accessToken && { authorization: `Bearer ${this.accessToken}` }), ...headers },
      ...(sent !== undefined && { body: sent }),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('json') ?? false
    const answer = {
      status: response.status,
      headers: response.headers,
      body: isJson && text !== '' ? JSON.parse(text) : text,
    }
    // With a delay these endpoints answer otherwise (MSC4140).
    const isDelayed = target.searchParams.has('org.matrix.msc4140.delay')
    const differences = isDelayed ? [] : differencesOfAnswer(method, target.pathname, answer.status, answer.body)
    if (differences.length > 0) throw new Error(`Not as the specification has it:\n${differences.join('\n')}`)
    return answer
  }

  get(path: string): Promise<Answer['body']> {
    return this.#succeed('GET', path)
  }

  put(path: string, body: unknown = {}): Promise<Answer['body']> {
    return this.#succeed('PUT', path, body)
  }

  post(path: string, body: unknown = {}): Promise<Answer['body']> {
    return this.#succeed('POST', path, body)
  }

  delete(path: string): Promise<Answer['body']> {
    return this.#succeed('DELETE', path)
  }

  /** Makes an account and logs it in. */
  async register(username: string, password = PASSWORD): Promise<User> {
    const auth = { type: 'm.login.dummy' }
    const made = await this.post('/v3/register', { auth, username, password })
    return new User(this.url, made.access_token, made.user_id, made.device_id)
  }

  /** Users of these names, in their order. */
  async registerAll<const Names extends readonly string[]>(...names: Names): Promise<{ [Index in keyof Names]: User }> {
    const users: User[] = []
    for (const name of names) users.push(await this.register(name))
    return users as { [Index in keyof Names]: User }
  }

  /** Logs an account in on a new device. */
  async login(user: string, password = PASSWORD): Promise<User> {
    const identifier = { type: 'm.id.user', user }
    const made = await this.post('/v3/login', { type: 'm.login.password', identifier, password })
    return new User(this.url, made.access_token, made.user_id, made.device_id)
  }

  async #succeed(method: string, path: string, body?: unknown): Promise<Answer['body']> {
    const answer = await this.request(method, path, body)
    if (answer.status >= 300) throw new Refused(`${method} ${path}`, answer)
    return answer.body
  }
}

/** A user's client on one device. */
export class User extends Client {
  readonly userId: string
  readonly deviceId: string
  #since: string | undefined
  #txn = 0

  constructor(url: string, accessToken: string, userId: string, deviceId: string) {
    super(url, accessToken)
    this.userId = userId
    this.deviceId = deviceId
  }

  /** The same client where its server listens after a restart. */
  at({ url }: { url: string }): User {
    const moved = new User(url, this.accessToken ?? '', this.userId, this.deviceId)
    moved.#since = this.#since
    moved.#txn = this.#txn
    return moved
  }

  async createRoom(body: object = {}): Promise<string> {
    return (await this.post('/v3/createRoom', body)).room_id
  }

  async join(roomIdOrAlias: string): Promise<string> {
    return (await this.post(`/v3/join/${encodeURIComponent(roomIdOrAlias)}`)).room_id
  }

  async invite(roomId: string, userId: string): Promise<void> {
    await this.post(`${roomPath(roomId)}/invite`, { user_id: userId })
  }

  async leave(roomId: string): Promise<void> {
    await this.post(`${roomPath(roomId)}/leave`)
  }

  /** Sends an event, by default a message with this text, and returns its id. */
  async send(roomId: string, content: string | object, type = 'm.room.message'): Promise<string> {
    const body = typeof content === 'string' ? { msgtype: 'm.text', body: content } : content
    return (await this.put(`${roomPath(roomId)}/send/${type}/t${++this.#txn}`, body)).event_id
  }

  async sendState(roomId: string, type: string, content: object, stateKey = ''): Promise<string> {
    return (await this.put(`${roomPath(roomId)}/state/${type}/${encodeURIComponent(stateKey)}`, content)).event_id
  }

  /** The next `/sync`: since the last one of this client, at once unless `timeout` says otherwise. */
  async sync(params: Record<string, string> = {}): Promise<Answer['body']> {
    const since: Record<string, string> = this.#since === undefined ? {} : { since: this.#since }
    const query = new URLSearchParams({ timeout: '0', ...since, ...params })
    const answer = await this.get(`/v3/sync?${query}`)
    this.#since = answer.next_batch
    return answer
  }
}

export const roomPath = (roomId: string): string => `/v3/rooms/${encodeURIComponent(roomId)}`

const fullPath = (path: string): string =>
  /^\/(?:v\d|r0|unstable|versions)/.test(path) ? `/_matrix/client${path}` : path
