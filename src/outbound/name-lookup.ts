import { lruCache } from '../util/lru.ts'

export interface Address {
  readonly address: string
  /** 4 or 6. */
  readonly family: number
}

interface Deps {
  /** As the machine does it, with its hosts file. It cannot be given up, and the process does two at a time. */
  lookup(hostname: string): Promise<readonly Address[]>
  /** Whether name servers say anything about a name within moments. */
  isAnswered(hostname: string): Promise<boolean>
}

const MAX_PROMPT = 10_000
const PROMPT_MS = 1000
/** A network may know hundreds of names by its hosts file alone, which takes no time. */
const MAX_WAITING = 1000
/** Who has waited so long has given up. */
const MAX_WAIT_MS = 30_000

/**
 * Looks names up so that none of them holds up the others. One whose name servers never answer takes ten seconds, and
 * whoever waits behind it waits as long: strangers, who choose names, could keep us from everybody, even from a database
 * on `localhost`. So a name that was not found at once the last time is asked for in a way first that holds up nobody; where
 * that has no answer, it is looked up after others like it, one at a time.
 */
export class NameLookup {
  readonly #deps: Deps
  readonly #prompt = lruCache<string, true>(MAX_PROMPT)
  readonly #running = new Map<string, Promise<readonly Address[]>>()
  #waiting = 0
  #last: Promise<unknown> = Promise.resolve()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** The addresses of a host, at least one; rejects when there are none. */
  addresses(hostname: string): Promise<readonly Address[]> {
    const running = this.#running.get(hostname)
    if (running) return running
    const found = this.#find(hostname).finally(() => this.#running.delete(hostname))
    this.#running.set(hostname, found)
    return found
  }

  async #find(hostname: string): Promise<readonly Address[]> {
    if (this.#prompt.has(hostname) || (await this.#deps.isAnswered(hostname))) return this.#lookup(hostname)
    if (this.#waiting >= MAX_WAITING) throw tooMany()
    this.#waiting++
    const since = performance.now()
    const found = this.#last.then(() => {
      if (performance.now() - since > MAX_WAIT_MS) throw tooMany()
      return this.#lookup(hostname)
    })
    this.#last = found.catch(() => {}).finally(() => this.#waiting--)
    return found
  }

  async #lookup(hostname: string): Promise<readonly Address[]> {
    this.#prompt.delete(hostname)
    const started = performance.now()
    const found = await this.#deps.lookup(hostname)
    if (performance.now() - started < PROMPT_MS) this.#prompt.set(hostname, true)
    return found
  }
}

const tooMany = () => new Error('Too many names are being looked up that nobody answers for')
