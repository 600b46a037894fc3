import type { StateTuple } from '../rooms/state/current-state.ts'

/** State events by type and key; null stands for any. */
export type Pattern = readonly [type: string | null, key: string | null]

/** What one list or subscription wants of a room's state (MSC4186: RequiredStateRequest). */
export interface Clause {
  readonly include: readonly Pattern[]
  readonly exclude: readonly Pattern[]
  /** Members come along when the timeline needs them; those that `include` names by their key come in any case. */
  readonly lazyMembers: boolean
}

const MEMBER = 'm.room.member'
/** More than that is not kept for a room: what it was sent before then counts as unknown. */
const MAX_PATTERNS = 1_000

/** What is wanted of a room's state: the union of what each rule wants that the room matches. */
export class RequiredState {
  readonly clauses: readonly Clause[]
  /** Equal for equal clauses. */
  readonly text: string
  /** Members are loaded lazily: a rule asks for it, and none wants all of them anyway. */
  readonly lazyMembers: boolean
  readonly wantsAllMembers: boolean
  readonly #texts: ReadonlySet<string>
  // Two lists add up once, not once for each room that is in both.
  readonly #sums = new WeakMap<RequiredState, RequiredState>()

  constructor(clauses: readonly Clause[]) {
    const byText = new Map(clauses.map((clause) => [textOf(clause), clause]))
    this.clauses = [...byText.values()]
    this.#texts = new Set(byText.keys())
    this.text = [...byText.keys()].sort().join('')
    this.wantsAllMembers = this.clauses.some(wantsAllMembers)
    this.lazyMembers = !this.wantsAllMembers && this.clauses.some((clause) => clause.lazyMembers)
  }

  /** Whether the state event at this place is wanted, apart from members that are loaded lazily. */
  matches(type: string, key: string): boolean {
    return this.clauses.some(
      ({ include, exclude, lazyMembers }) =>
        include.some((pattern) => matches(pattern, type, key, lazyMembers)) &&
        !exclude.some((pattern) => matches(pattern, type, key, false)),
    )
  }

  /** Whether all that the other one wants is wanted here too, as far as a look at the clauses tells. */
  covers(other: RequiredState): boolean {
    if (this === other) return true
    for (const text of other.#texts) if (!this.#texts.has(text)) return false
    return true
  }

  /** Both together. */
  plus(other: RequiredState): RequiredState {
    let sum = this.#sums.get(other)
    if (!sum) {
      sum = this.#add(other)
      this.#sums.set(other, sum)
    }
    return sum
  }

  #add(other: RequiredState): RequiredState {
    if (this.covers(other)) return this
    if (other.covers(this)) return other
    const sum = new RequiredState([...this.clauses, ...other.clauses])
    const patterns = sum.clauses.reduce((count, { include, exclude }) => count + include.length + exclude.length, 0)
    return patterns > MAX_PATTERNS ? other : sum
  }

  /** The places that are named in full; where any type is wanted of a user's id, that user is meant as a member too. */
  get places(): StateTuple[] {
    return this.#patterns.flatMap(([type, key]): StateTuple[] => (key === null ? [] : [[type ?? MEMBER, key]]))
  }

  /** The types of which any key is wanted. */
  get types(): string[] {
    const open = this.clauses.flatMap(({ include, lazyMembers }) =>
      include.flatMap(([type, key]) =>
        type !== null && key === null && !(lazyMembers && type === MEMBER) ? [type] : [],
      ),
    )
    return [...new Set(open)]
  }

  /** Any type is wanted: all of the state has to be looked at. */
  get isOpen(): boolean {
    return this.#patterns.some(([type]) => type === null)
  }

  get #patterns(): Pattern[] {
    return this.clauses.flatMap(({ include }) => include)
  }
}

function textOf({ include, exclude, lazyMembers }: Clause): string {
  return JSON.stringify([include, exclude, lazyMembers])
}

function matches([wantedType, wantedKey]: Pattern, type: string, key: string, lazyMembers: boolean): boolean {
  if (wantedType !== null && wantedType !== type) return false
  if (wantedKey === null) return !(lazyMembers && type === MEMBER)
  return wantedKey === key
}

function wantsAllMembers({ include, lazyMembers }: Clause): boolean {
  return !lazyMembers && include.some(([type, key]) => key === null && (type === null || type === MEMBER))
}

export const NOTHING_REQUIRED = new RequiredState([])
