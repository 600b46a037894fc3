import { isObject, type Json, type JsonObject } from '../../matrix/json.ts'
import { RemoteFailure } from '../remote-failure.ts'

/** Reads what other servers answer; what has another shape than the specification says is a `RemoteFailure`. */
export class Shape {
  readonly #server: string
  readonly #body: JsonObject

  constructor(server: string, body: JsonObject) {
    this.#server = server
    this.#body = body
  }

  text(name: string): string {
    const value = this.#own(name)
    return typeof value === 'string' ? value : this.#refuse(name)
  }

  /** The text, or undefined where there is none. */
  maybeText(name: string): string | undefined {
    return this.#own(name) === undefined ? undefined : this.text(name)
  }

  number(name: string): number {
    const value = this.#own(name)
    return typeof value === 'number' ? value : this.#refuse(name)
  }

  object(name: string): JsonObject {
    const value = this.#own(name)
    return isObject(value) ? value : this.#refuse(name)
  }

  maybeObject(name: string): JsonObject | undefined {
    return this.#own(name) === undefined ? undefined : this.object(name)
  }

  /** What is no object in the list is left out: one bad event spoils no answer. At most `max` are taken. */
  objects(name: string, max: number): JsonObject[] {
    return this.#list(name).slice(0, max).filter(isObject)
  }

  texts(name: string, max: number): string[] {
    return this.#list(name)
      .slice(0, max)
      .filter((item) => typeof item === 'string')
  }

  /** The texts, or undefined where there is no list. */
  maybeTexts(name: string, max: number): string[] | undefined {
    return Array.isArray(this.#own(name)) ? this.texts(name, max) : undefined
  }

  flag(name: string): boolean {
    return this.#own(name) === true
  }

  #list(name: string): Json[] {
    const value = this.#own(name)
    return Array.isArray(value) ? value : this.#refuse(name)
  }

  #own(name: string): Json | undefined {
    return Object.hasOwn(this.#body, name) ? this.#body[name] : undefined
  }

  #refuse(name: string): never {
    throw new RemoteFailure(this.#server, `answered without a ${name} that can be read`, { status: 200 })
  }
}
