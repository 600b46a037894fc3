import { notFound, tooLarge } from '../../matrix/errors.ts'
import type { Db } from '../../storage/db.ts'
import * as store from '../../storage/push/push-rules.ts'
import { type Awaitable, andThen } from '../../util/awaitable.ts'
import { LoadCache } from '../../util/load-cache.ts'
import type { Owner } from '../account-data/account-data.ts'
import { ChangeIndex } from '../change-index.ts'
import type { Hub } from '../hub.ts'
import type { Stream } from '../stream.ts'
import { CompiledRules } from './compiled-rules.ts'
import { carryRules, changeRule, deleteRule, type Place, type RuleBody, setRule } from './edit.ts'
import type { PushAction, PushRule, RuleKind, Ruleset } from './rule.ts'
import { effectiveRules, NO_CHANGES, type StoredRules, shownRules } from './rule-store.ts'

interface Deps {
  readonly db: Db
  readonly stream: Stream
  readonly hub: Hub
}

interface Known {
  stored: StoredRules
  compiled: CompiledRules
}

const MAX_CACHED = 10_000
const MAX_BYTES = 256 * 1024

/** One object for all users who changed nothing: what an event yields for it is worked out once. */
const UNCHANGED: Known = { stored: NO_CHANGES, compiled: new CompiledRules(effectiveRules(NO_CHANGES)) }

/** Users' push rules (spec: client-server API, Push Rules: API). */
export class PushRules {
  readonly #deps: Deps
  readonly #changes: ChangeIndex<number>
  readonly #known = new LoadCache<number, Known>(MAX_CACHED, (userNid) => this.#load(userNid))

  constructor(deps: Deps) {
    this.#deps = deps
    this.#changes = new ChangeIndex(deps.stream.current)
  }

  /** The rules as the user is shown them. */
  async of(owner: Owner): Promise<Ruleset> {
    return shownRules((await this.#known.get(owner.userNid)).stored, owner.userId)
  }

  async get(owner: Owner, kind: RuleKind, ruleId: string): Promise<PushRule> {
    const rule = (await this.of(owner))[kind].find((candidate) => candidate.rule_id === ruleId)
    if (!rule) throw notFound('The push rule was not found')
    return rule
  }

  /** The rules, ready to judge events. */
  compiledOf(userNid: number): Awaitable<CompiledRules> {
    return andThen(this.#known.get(userNid), ({ compiled }) => compiled)
  }

  set(owner: Owner, kind: RuleKind, ruleId: string, body: RuleBody, place: Place): Promise<void> {
    return this.#edit(owner, (stored) => setRule(stored, kind, ruleId, body, place))
  }

  delete(owner: Owner, kind: RuleKind, ruleId: string): Promise<void> {
    return this.#edit(owner, (stored) => deleteRule(stored, kind, ruleId))
  }

  setEnabled(owner: Owner, kind: RuleKind, ruleId: string, enabled: boolean): Promise<void> {
    return this.#edit(owner, (stored) => changeRule(stored, kind, ruleId, { enabled }))
  }

  setActions(owner: Owner, kind: RuleKind, ruleId: string, actions: PushAction[]): Promise<void> {
    return this.#edit(owner, (stored) => changeRule(stored, kind, ruleId, { actions }))
  }

  /** Gives the successor of an upgraded room the rules that the user has for the old one. */
  async carryOver(owner: Owner, oldRoomId: string, newRoomId: string): Promise<void> {
    const { stored } = await this.#known.get(owner.userNid)
    if (!carryRules(stored, oldRoomId, newRoomId)) return
    await this.#edit(owner, (before) => carryRules(before, oldRoomId, newRoomId) ?? before)
  }

  /** The content of `m.push_rules`, as JSON text, if the rules changed in (`after`, `upTo`], or without `after`. */
  changed(owner: Owner, after: number | undefined, upTo: number): Awaitable<string | undefined> {
    return after !== undefined && !this.#changes.mayHaveChanged(owner.userNid, after)
      ? undefined
      : this.#new(owner, after, upTo)
  }

  async #new(owner: Owner, after: number | undefined, upTo: number): Promise<string | undefined> {
    if (after !== undefined) {
      const row = await store.findPushRules(this.#deps.db, owner.userNid)
      if (!row || row.pos <= after || row.pos > upTo) return undefined
    }
    return JSON.stringify({ global: await this.of(owner) })
  }

  /** Positions come first here for the reason that `AccountData.update` gives. */
  async #edit(owner: Owner, edit: (stored: StoredRules) => StoredRules): Promise<void> {
    const { stream, hub } = this.#deps
    await stream.write(async (tx, take) => {
      const { pos } = await take(1)
      const row = await store.findPushRules(tx, owner.userNid)
      const rules = JSON.stringify(edit(row ? (JSON.parse(row.rules) as StoredRules) : NO_CHANGES))
      if (Buffer.byteLength(rules) > MAX_BYTES) throw tooLarge('Your push rules take too much room')
      await store.upsertPushRules(tx, owner.userNid, rules, pos)
      return {
        value: undefined,
        announce: () => {
          this.#known.forget(owner.userNid)
          this.#changes.note(owner.userNid, pos)
          hub.publish([owner.userId], pos)
        },
      }
    })
  }

  async #load(userNid: number): Promise<Known> {
    const row = await store.findPushRules(this.#deps.db, userNid)
    if (!row) return UNCHANGED
    const stored = JSON.parse(row.rules) as StoredRules
    return { stored, compiled: new CompiledRules(effectiveRules(stored)) }
  }
}
