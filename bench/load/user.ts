import type { Http } from './http.ts'

const CLIENT = '/_matrix/client/v3'
let counter = 0

/** A user of the server under load, with the few calls that the scenarios make. */
export class User {
  readonly http: Http
  readonly userId: string
  readonly token: string
  readonly deviceId: string

  constructor(http: Http, userId: string, token: string, deviceId: string) {
    this.http = http
    this.userId = userId
    this.token = token
    this.deviceId = deviceId
  }

  static async register(http: Http): Promise<User> {
    const username = `load-${process.pid}-${Date.now().toString(36)}-${counter++}`
    const body = { username, password: 'a password for the load', auth: { type: 'm.login.dummy' } }
    const answer = await http.json<{ user_id: string; access_token: string; device_id: string }>(
      'POST',
      `${CLIENT}/register`,
      undefined,
      body,
    )
    return new User(http, answer.user_id, answer.access_token, answer.device_id)
  }

  async createRoom(body: object = {}): Promise<string> {
    return (await this.#post<{ room_id: string }>('/createRoom', { preset: 'public_chat', ...body })).room_id
  }

  /** `via`: a server in the room, where ours is not. */
  async join(roomId: string, via?: string): Promise<void> {
    const query = via === undefined ? '' : `?via=${encodeURIComponent(via)}&server_name=${encodeURIComponent(via)}`
    await this.#post(`/join/${encodeURIComponent(roomId)}${query}`, {})
  }

  /** Sends a text message, or an event with this text; resolves when the server has acknowledged it. */
  async send(
    roomId: string,
    body: string,
    type = 'm.room.message',
    fields: object = { msgtype: 'm.text' },
  ): Promise<void> {
    const path = `${CLIENT}/rooms/${encodeURIComponent(roomId)}/send/${type}/${counter++}`
    const content = JSON.stringify({ ...fields, body })
    const { status, text } = await this.http.request('PUT', path, this.token, content)
    if (status !== 200) throw new Error(`A message was answered ${status}: ${text.slice(0, 200)}`)
  }

  /** Sends a message to the devices of these users. */
  async sendToDevices(receivers: readonly User[], content: object): Promise<void> {
    const messages = Object.fromEntries(receivers.map(({ userId, deviceId }) => [userId, { [deviceId]: content }]))
    const path = `${CLIENT}/sendToDevice/m.room.encrypted/${counter++}`
    const { status, text } = await this.http.request('PUT', path, this.token, JSON.stringify({ messages }))
    if (status !== 200) throw new Error(`Messages to devices were answered ${status}: ${text.slice(0, 200)}`)
  }

  async uploadOneTimeKeys(count: number, key: object): Promise<void> {
    const names = Array.from({ length: count }, (_, index) => `signed_curve25519:${index}`)
    await this.#post('/keys/upload', { one_time_keys: Object.fromEntries(names.map((name) => [name, key])) })
  }

  /** Claims a one-time key of each user's device; returns how many gave one. */
  async claimKeys(users: readonly User[]): Promise<number> {
    const wanted = users.map(({ userId, deviceId }) => [userId, { [deviceId]: 'signed_curve25519' }])
    const body = { one_time_keys: Object.fromEntries(wanted) }
    const { one_time_keys } = await this.#post<{ one_time_keys: object }>('/keys/claim', body)
    return Object.keys(one_time_keys).length
  }

  /** A first `/sync`; the bytes of the answer. */
  firstSync(): Promise<number> {
    return this.http.weigh(`${CLIENT}/sync?timeout=0`, this.token)
  }

  /** One `/sync`; the text of the answer. */
  async sync(since?: string, timeoutMs = 0): Promise<string> {
    const query =
      since === undefined ? `timeout=${timeoutMs}` : `since=${encodeURIComponent(since)}&timeout=${timeoutMs}`
    const { status, text } = await this.http.poll(`${CLIENT}/sync?${query}`, this.token)
    if (status !== 200) throw new Error(`/sync answered ${status}: ${text.slice(0, 200)}`)
    return text
  }

  #post<T>(path: string, body: object): Promise<T> {
    return this.http.json<T>('POST', CLIENT + path, this.token, body)
  }
}

const NEXT_BATCH = /"next_batch":"([^"]+)"/

/** The token for the next `/sync`, taken from the text: parsing each answer would cost the load more than the server. */
export function nextBatch(text: string): string {
  const token = NEXT_BATCH.exec(text)?.[1]
  if (token === undefined) throw new Error('A /sync answer without next_batch')
  return token
}

/** Keeps a user's long poll going and hands each answer's text on. */
export class Syncer {
  readonly #user: User
  readonly #onAnswer: (text: string) => void
  #since: string | undefined
  #stopped = false
  #loop: Promise<void> | undefined

  constructor(user: User, onAnswer: (text: string) => void) {
    this.#user = user
    this.#onAnswer = onAnswer
  }

  /** Resolves after the first sync, with the long poll under way. */
  async start(): Promise<void> {
    this.#since = nextBatch(await this.#user.sync())
    this.#loop = this.#run()
  }

  /** Lets the poll under way end by itself; what it still brings is ignored. */
  stop(): void {
    this.#stopped = true
    this.#loop?.catch(() => {})
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const text = await this.#user.sync(this.#since, 30_000)
      if (this.#stopped) return
      this.#since = nextBatch(text)
      this.#onAnswer(text)
    }
  }
}
