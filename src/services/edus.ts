import type { Logger } from 'pino'
import { isObject, type JsonObject } from '../matrix/json.ts'

/** Takes an EDU of another server. What it throws is logged, and spoils nothing else. */
export type EduHandler = (origin: string, content: JsonObject) => Promise<void>

interface Deps {
  readonly log: Logger
}

/** What other servers send beside events (spec: server-server API, EDUs): each type goes to whoever registered for it. */
export class Edus {
  readonly #deps: Deps
  readonly #handlers = new Map<string, EduHandler>()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Registers the one handler of a type. */
  on(type: string, handler: EduHandler): void {
    if (this.#handlers.has(type)) throw new Error(`EDUs of type ${type} are handled already`)
    this.#handlers.set(type, handler)
  }

  /** Takes the EDUs of a transaction, in their order. What is malformed or unknown is passed over. */
  async receive(origin: string, edus: readonly unknown[]): Promise<void> {
    for (const edu of edus) {
      if (!isObject(edu) || typeof edu.edu_type !== 'string' || !isObject(edu.content)) continue
      try {
        await this.#handlers.get(edu.edu_type)?.(origin, edu.content)
      } catch (err) {
        this.#deps.log.warn({ err, origin, eduType: edu.edu_type }, 'an EDU could not be taken')
      }
    }
  }
}
