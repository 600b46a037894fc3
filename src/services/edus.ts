import type { Logger } from 'pino'
import { isObject, type JsonObject } from '../matrix/json.ts'

/** Takes an EDU of another server. What it throws is logged, and spoils nothing else. */
export type EduHandler = (origin: string, content: JsonObject) => Promise<void>

/** Whether EDUs of a type are taken before or after the events that came with them. */
export type EduTurn = 'before events' | 'after events'

interface Deps {
  readonly log: Logger
}

/** What other servers send beside events (spec: server-server API, EDUs): each type goes to whoever registered for it. */
export class Edus {
  readonly #deps: Deps
  readonly #handlers = new Map<string, { handler: EduHandler; turn: EduTurn }>()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Registers the one handler of a type. Keys come before the events that are encrypted with them. */
  on(type: string, handler: EduHandler, turn: EduTurn = 'after events'): void {
    if (this.#handlers.has(type)) throw new Error(`EDUs of type ${type} are handled already`)
    this.#handlers.set(type, { handler, turn })
  }

  /** Takes those EDUs of a transaction whose turn it is, in their order. What is malformed or unknown is passed over. */
  async receive(origin: string, edus: readonly unknown[], turn: EduTurn): Promise<void> {
    for (const edu of edus) {
      if (!isObject(edu) || typeof edu.edu_type !== 'string' || !isObject(edu.content)) continue
      const registered = this.#handlers.get(edu.edu_type)
      if (registered?.turn !== turn) continue
      try {
        await registered.handler(origin, edu.content)
      } catch (err) {
        this.#deps.log.warn({ err, origin, eduType: edu.edu_type }, 'an EDU could not be taken')
      }
    }
  }
}
