import type { UserId } from '../matrix/ids.ts'
import { type AccountData, GLOBAL } from './account-data.ts'

interface Deps {
  accountData: AccountData
  userNidOf(userId: UserId): Promise<number | undefined>
}

/** The stable name, and the one that clients used before (MSC4380). */
const TYPES = ['m.invite_permission_config', 'org.matrix.msc4380.invite_permission_config'] as const

/** Who may invite a user (spec: client-server API, Invite permission). */
export class InviteRules {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Whether the user wants no invites: they are refused with `M_INVITE_BLOCKED` and not shown by `/sync`. */
  async refuses(invitee: UserId, _sender: UserId): Promise<boolean> {
    const { accountData, userNidOf } = this.#deps
    const userNid = await userNidOf(invitee)
    if (userNid === undefined) return false
    for (const type of TYPES) {
      const content = await accountData.find(userNid, GLOBAL, type)
      if (content?.default_action === 'block') return true
    }
    return false
  }
}
