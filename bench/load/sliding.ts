import { REQUIRED_STATE } from '../../test/support/element-x.ts'
import type { User } from './user.ts'

const PATH = '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync'
const POS = /"pos":"([^"]+)"/

/** One connection of sliding sync, that asks as Element X does: its room list, and what belongs to it. */
export class SlidingPoller {
  readonly #user: User
  #pos: string | undefined

  constructor(user: User) {
    this.#user = user
  }

  /** Asks for the rooms up to `last` and goes on from there; the text of the answer. */
  async ask(last: number): Promise<string> {
    const query = this.#pos === undefined ? 'timeout=0' : `timeout=0&pos=${this.#pos}`
    const list = {
      ranges: [[0, last]],
      timeline_limit: 1,
      required_state: REQUIRED_STATE,
      filters: { not_room_types: ['m.space'] },
    }
    const on = { enabled: true }
    const body = {
      conn_id: 'room-list',
      lists: { all_rooms: list },
      extensions: { account_data: on, receipts: on, typing: on },
    }
    const { http, token } = this.#user
    const { status, text } = await http.request('POST', `${PATH}?${query}`, token, JSON.stringify(body))
    if (status !== 200) throw new Error(`Sliding sync answered ${status}: ${text.slice(0, 200)}`)
    this.#pos = POS.exec(text)?.[1]
    return text
  }

  /** Begins a connection anew. */
  restart(): void {
    this.#pos = undefined
  }
}
