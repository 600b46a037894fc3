import { matchesGlob } from '../../matrix/glob.ts'
import { serverOf, type UserId } from '../../matrix/ids.ts'
import type { JsonObject } from '../../matrix/json.ts'
import { type AccountData, GLOBAL } from './account-data.ts'
import type { IgnoredUsers } from './ignored-users.ts'

interface Deps {
  readonly ignoredUsers: IgnoredUsers
  readonly accountData: AccountData
  userNidOf(userId: UserId): Promise<number | undefined>
  /** Sends the notices of the server, which nobody can refuse. */
  readonly noticesUser: UserId
}

/** What becomes of an invite: it arrives, it is refused, or its sender thinks that it arrives. */
type Outcome = 'allow' | 'ignore' | 'block'

/** The stable name, and the one that clients used before (MSC4380). */
const TYPES = ['m.invite_permission_config', 'org.matrix.msc4380.invite_permission_config'] as const
/** With lists of users and servers (MSC4155). */
const LISTS_TYPE = 'org.matrix.msc4155.invite_permission_config'
/** Patterns of one list that are looked at. */
const MAX_PATTERNS = 1_000

/** Who may invite a user (spec: client-server API, Invite permission). */
export class InviteRules {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Whether an invite is refused with `M_INVITE_BLOCKED`. */
  async refuses(invitee: UserId, sender: UserId): Promise<boolean> {
    return (await this.#judge(invitee, sender)) === 'block'
  }

  /** Whether an invite is not shown to the user, refused or not: of whom the user ignores, none is. */
  async hides(invitee: UserId, sender: UserId | undefined): Promise<boolean> {
    if (sender === undefined) return false
    if ((await this.#deps.ignoredUsers.of(invitee)).has(sender)) return true
    return (await this.#judge(invitee, sender)) !== 'allow'
  }

  async #judge(invitee: UserId, sender: UserId): Promise<Outcome> {
    const { accountData, userNidOf, noticesUser } = this.#deps
    if (sender === noticesUser) return 'allow'
    const userNid = await userNidOf(invitee)
    if (userNid === undefined) return 'allow'
    for (const type of TYPES) {
      const content = await accountData.find(userNid, GLOBAL, type)
      if (content?.default_action === 'block') return 'block'
    }
    const lists = await accountData.find(userNid, GLOBAL, LISTS_TYPE)
    return lists ? judgeByLists(lists, sender) : 'allow'
  }
}

/** The first list that names the sender decides: those of users before those of servers. */
function judgeByLists(lists: JsonObject, sender: UserId): Outcome {
  const server = serverOf(sender).replace(/:\d+$/, '')
  if (matchesAny(sender, lists.allowed_users)) return 'allow'
  if (matchesAny(sender, lists.ignored_users)) return 'ignore'
  if (matchesAny(sender, lists.blocked_users)) return 'block'
  if (matchesAny(server, lists.allowed_servers)) return 'allow'
  if (matchesAny(server, lists.ignored_servers)) return 'ignore'
  return matchesAny(server, lists.blocked_servers) ? 'block' : 'allow'
}

const matchesAny = (text: string, patterns: unknown): boolean =>
  Array.isArray(patterns) &&
  patterns.slice(0, MAX_PATTERNS).some((pattern) => typeof pattern === 'string' && matchesGlob(text, pattern))
