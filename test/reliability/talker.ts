import { Refused, type User } from '../support/client.ts'

/** One of those who talk while the server dies; a message without an answer is sent again, under the same id. */
export class Talker {
  readonly #user: User
  readonly #roomId: string
  #next = 0
  #unanswered = false
  /** Text of each acknowledged event, by the event's id. */
  readonly acknowledged = new Map<string, string>()

  constructor(user: User, roomId: string) {
    this.#user = user
    this.#roomId = roomId
  }

  /** Sends until the server is gone, or until it is enough. */
  async talk(enough?: AbortSignal): Promise<void> {
    while (!enough?.aborted) if (!(await this.#say())) return
  }

  /** Sends again what was not answered. */
  async insist(): Promise<void> {
    if (this.#unanswered) await this.#say()
  }

  /** Whether it was answered. */
  async #say(): Promise<boolean> {
    if (!this.#unanswered) this.#next++
    this.#unanswered = true
    const text = `${this.#user.userId} says ${this.#next}`
    // Every tenth changes the room's state.
    const what =
      this.#next % 10 === 0 ? `state/org.example.note/${this.#user.userId}` : `send/m.room.message/t${this.#next}`
    try {
      const answer = await this.#user.put(`/v3/rooms/${this.#roomId}/${what}`, { msgtype: 'm.text', body: text })
      this.acknowledged.set(answer.event_id, text)
      this.#unanswered = false
      return true
    } catch (error) {
      if (error instanceof Refused) throw error
      return false
    }
  }
}
