import fc from 'fast-check'
import { type Act, anyAct, perform, pick } from './acts.ts'
import type { Nation } from './nation.ts'
import { calm } from './settle.ts'

/** What the commands themselves know of the world: nothing, for everything may be refused. */
type Model = Record<string, never>
type Command = fc.AsyncCommand<Model, Nation, false>

abstract class Step implements Command {
  check(): boolean {
    return true
  }
  abstract run(model: Model, nation: Nation): Promise<void>
  abstract toString(): string
}

/** Users act, at the same time; a server may be started anew meanwhile. */
class Together extends Step {
  readonly #acts: readonly Act[]
  readonly #restart: number | undefined
  constructor(acts: readonly Act[], restart?: number) {
    super()
    this.#acts = acts
    this.#restart = restart
  }
  async run(_model: Model, nation: Nation): Promise<void> {
    const acts = this.#acts.map((act) => perform(nation, act))
    const restart = this.#restart === undefined ? undefined : nation.restart(pick(nation.sites, this.#restart))
    const results = await Promise.allSettled([...acts, restart])
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }
  toString(): string {
    const restart = this.#restart === undefined ? '' : ` while site ${this.#restart} restarts`
    return `${this.#acts.map((act) => JSON.stringify(act)).join(' + ')}${restart}`
  }
}

/** A link from one server to another fails, or heals. */
class Link extends Step {
  readonly #from: number
  readonly #to: number
  readonly #isUp: boolean
  constructor(from: number, to: number, isUp: boolean) {
    super()
    this.#from = from
    this.#to = to
    this.#isUp = isUp
  }
  async run(_model: Model, { sites, world: { network } }: Nation): Promise<void> {
    const [from, to] = [pick(sites, this.#from).address, pick(sites, this.#to).address]
    if (this.#isUp) network.mend(to, from)
    else network.cut(to, from)
  }
  toString(): string {
    return `link ${this.#from} > ${this.#to} ${this.#isUp ? 'heals' : 'fails'}`
  }
}

/** A server can neither reach others nor be reached, or can again. */
class Island extends Step {
  readonly #site: number
  readonly #isUp: boolean
  constructor(site: number, isUp: boolean) {
    super()
    this.#site = site
    this.#isUp = isUp
  }
  async run(_model: Model, { sites, world: { network } }: Nation): Promise<void> {
    const { address } = pick(sites, this.#site)
    for (const other of sites) {
      if (other.address === address) continue
      for (const [to, from] of [
        [address, other.address],
        [other.address, address],
      ] as const) {
        if (this.#isUp) network.mend(to, from)
        else network.cut(to, from)
      }
    }
  }
  toString(): string {
    return `site ${this.#site} ${this.#isUp ? 'is back' : 'is cut off'}`
  }
}

/** Time passes: servers that do not answer are tried again. */
class Pass extends Step {
  readonly #seconds: number
  constructor(seconds: number) {
    super()
    this.#seconds = seconds
  }
  async run(_model: Model, nation: Nation): Promise<void> {
    nation.advance(this.#seconds * 1000)
  }
  toString(): string {
    return `${this.#seconds} s pass`
  }
}

/** Things travel as far as they can. */
class Calm extends Step {
  run(_model: Model, nation: Nation): Promise<void> {
    return calm(nation)
  }
  toString(): string {
    return 'calm'
  }
}

const site = fc.nat(5)
/** What fails stays so for a while. */
const isUp = fc.nat(3).map((n) => n === 0)
const several = fc.array(anyAct, { minLength: 1, maxLength: 6 })

/** A story of the nation: acts mostly, and what befalls servers and links. */
export const stories = (maxSteps: number) =>
  fc.commands<Model, Nation, false>(
    [
      several.map((acts) => new Together(acts)),
      several.map((acts) => new Together(acts)),
      several.map((acts) => new Together(acts)),
      several.map((acts) => new Together(acts)),
      fc.tuple(several, site).map(([acts, restart]) => new Together(acts, restart)),
      fc.tuple(site, site, isUp).map(([from, to, up]) => new Link(from, to, up)),
      fc.tuple(site, isUp).map(([one, up]) => new Island(one, up)),
      fc.constantFrom(1, 10, 300, 5_000).map((seconds) => new Pass(seconds)),
      fc.constant(new Calm()),
    ],
    { maxCommands: maxSteps, size: 'max' },
  )
