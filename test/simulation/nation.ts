import { pino } from 'pino'
import type { Answer } from '../support/client.ts'
import { Refused, roomPath, User } from '../support/client.ts'
import { FakeClock } from '../support/clock.ts'
import { type Federated, World } from '../support/servers.ts'
import { Records } from './records.ts'

/** A server of the simulation, whichever run of it serves now. */
export interface Site {
  readonly name: string
  readonly address: string
  server: Federated
  /** Its tables. */
  records: Records
}

export interface Person {
  readonly site: Site
  readonly userId: string
  client: User
}

/** A text that somebody says: sent again under the same id until there is an answer. */
interface Saying {
  readonly person: Person
  readonly path: string
  readonly text: string
}

/** What a server told a user that it has done. */
export interface Acknowledged {
  readonly eventId: string
  readonly roomId: string
  readonly site: Site
}

/** Servers with their people: what these do to rooms, and what they were told of it. */
export class Nation {
  readonly world: World
  readonly clock: FakeClock
  readonly #clocks: readonly FakeClock[]
  readonly sites: Site[] = []
  readonly people: Person[] = []
  readonly rooms: string[] = []
  readonly acknowledged: Acknowledged[] = []
  readonly #unanswered: Saying[] = []
  readonly #endings: (() => Promise<void> | void)[]
  #said = 0
  /** How many acts were carried out, and how many refused. */
  readonly counts = { done: 0, refused: 0, cut: 0 }

  private constructor(world: World, clocks: readonly FakeClock[], endings: (() => Promise<void> | void)[]) {
    this.world = world
    this.clock = world.clock
    this.#clocks = clocks
    this.#endings = endings
  }

  /** Errors that the servers logged. */
  readonly errors: string[] = []
  readonly #hear = (line: string) => {
    if (!AT_THE_END.test(line)) this.errors.push(line)
  }

  /** `clocks`: of sites that have one of their own. */
  static async found(siteCount: number, peoplePerSite: number, clocks: readonly FakeClock[] = []): Promise<Nation> {
    const endings: (() => Promise<void> | void)[] = []
    const clock = new FakeClock()
    const world = await World.create({ clock, atEnd: (work) => endings.push(work) })
    const nation = new Nation(world, [clock, ...clocks], endings)
    for (let i = 0; i < siteCount; i++) {
      const name = `s${i + 1}.test`
      const log = pino({ level: 'error' }, { write: nation.#hear })
      const server = await world.start(name, {}, { log, clock: clocks[i] ?? clock })
      const site = { name, address: server.address, server, records: new Records(server.directory) }
      endings.push(() => site.records.close())
      nation.sites.push(site)
      for (let j = 0; j < peoplePerSite; j++) {
        const client = await server.client.register(`u${j + 1}`)
        nation.people.push({ site, userId: client.userId, client })
      }
    }
    return nation
  }

  async end(): Promise<void> {
    for (const work of this.#endings.reverse()) await work()
  }

  /** Time passes, for everybody. */
  advance(ms: number): void {
    for (const clock of this.#clocks) clock.advance(ms)
  }

  /** Ends a server and starts it again; its people go on with it. */
  async restart(site: Site): Promise<void> {
    site.server = await site.server.restart()
    for (const person of this.people) {
      if (person.site !== site) continue
      const { accessToken = '', userId, deviceId } = person.client
      person.client = new User(site.server.url, accessToken, userId, deviceId)
    }
  }

  /**
   * Does something that may be refused, or be cut off by a restart; undefined then. An answer that blames the server is
   * an error of the simulation, unless another server cannot be reached.
   */
  async attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      const result = await work()
      this.counts.done++
      return result
    } catch (error) {
      if (error instanceof Refused) {
        if (error.answer.status >= 500 && !UNREACHABLE.has(error.answer.status)) throw error
        this.counts.refused++
      } else if (error instanceof TypeError && error.message === 'fetch failed') this.counts.cut++
      else throw error
      return undefined
    }
  }

  /** Notes the event of an answer. */
  acknowledge({ site }: Person, roomId: string, answer: Answer['body'] | undefined): void {
    if (answer?.event_id !== undefined) this.acknowledged.push({ eventId: answer.event_id, roomId, site })
  }

  /** Says something that nobody has said before. */
  async say(person: Person, roomId: string): Promise<void> {
    const text = `${person.userId} says ${++this.#said}`
    await this.#say({ person, text, path: `${roomPath(roomId)}/send/m.room.message/t${this.#said}` }, roomId)
  }

  /** Repeats what had no answer. */
  async repeat(): Promise<void> {
    for (const saying of this.#unanswered.splice(0)) await this.#say(saying, roomOf(saying.path))
  }

  async #say(saying: Saying, roomId: string): Promise<void> {
    const { person, path, text } = saying
    const { cut } = this.counts
    const answer = await this.attempt(() => person.client.put(path, { msgtype: 'm.text', body: text }))
    if (answer) this.acknowledge(person, roomId, answer)
    else if (this.counts.cut > cut) this.#unanswered.push(saying)
  }
}

/** What befalls requests that a server does not wait for when it ends. */
const AT_THE_END = /database connection is not open|driver has already been destroyed/

/** What a server answers for another one. */
const UNREACHABLE = new Set([502, 504])

const roomOf = (path: string): string => decodeURIComponent(path.split('/')[3] ?? '')
