// biome-ignore-all lint/suspicious/noExplicitAny: tests look into answers of many shapes, and a wrong one fails them
import type { Answer, User } from './client.ts'

export const UNSTABLE = '/unstable/org.matrix.simplified_msc3575/sync'
export const STABLE = '/v4/sync'

/** All rooms, ten events and three kinds of state of each. */
export const ALL_ROOMS = {
  ranges: [[0, 99]],
  timeline_limit: 10,
  required_state: [
    ['m.room.create', ''],
    ['m.room.name', ''],
    ['m.room.topic', ''],
  ],
}

/** One connection of sliding sync, of a user's device: it goes on where its last answer was. */
export class SlidingClient {
  readonly user: User
  readonly body: Record<string, any>
  readonly path: string
  pos: string | undefined

  constructor(user: User, body: object = { lists: { all: ALL_ROOMS } }, path: string = UNSTABLE) {
    this.user = user
    this.body = { ...body }
    this.path = path
  }

  /** Asks and goes on from the answer. `changes` replaces parts of the body from now on. */
  async sync(changes: object = {}, timeoutMs = 0): Promise<any> {
    Object.assign(this.body, changes)
    const answer = await this.ask(timeoutMs)
    if (answer.status !== 200)
      throw new Error(`Sliding sync was answered ${answer.status} ${JSON.stringify(answer.body)}`)
    this.pos = answer.body.pos
    return answer.body
  }

  /** Asks, and stays where it is. */
  ask(timeoutMs = 0): Promise<Answer> {
    const place = this.pos === undefined ? {} : { pos: this.pos }
    if (this.path === STABLE) {
      return this.user.request('POST', this.path, { ...this.body, ...place, timeout: timeoutMs })
    }
    const query = new URLSearchParams({ ...place, timeout: String(timeoutMs) })
    return this.user.request('POST', `${this.path}?${query}`, this.body)
  }
}

/** The text of each timeline event of a room in an answer, or its type where it has none. */
export const textsOf = (room: any): string[] =>
  (room?.timeline ?? []).map((event: any) => event.content.body ?? event.type)

/** `type` or `type/state_key` of each state event, in order. */
export const stateOf = (room: any): string[] =>
  (room?.required_state ?? [])
    .map((event: any) => event.type + (event.state_key === '' ? '' : `/${event.state_key}`))
    .sort()
