import { type AccountData, GLOBAL } from '../account-data/account-data.ts'
import type { PushRules } from '../push-rules/push-rules.ts'
import { type Contribution, NOTHING_NEW, type SyncContext, type SyncSection } from './request.ts'
import { accountDataText } from './rooms-section.ts'

interface Deps {
  accountData: AccountData
  pushRules: PushRules
}

const PUSH_RULES = 'm.push_rules'

/** The `account_data` of an answer: what is stored globally, and the push rules. */
export class AccountDataSection implements SyncSection {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  async contribute({ viewer, since, upTo, filter }: SyncContext): Promise<Contribution> {
    const { accountData, pushRules } = this.#deps
    const after = since?.pos
    const rows = await accountData.changed(viewer.userNid, after, upTo.pos)
    const texts = rows.filter((row) => row.room_nid === GLOBAL && filter.accountData.admits(row)).map(accountDataText)
    if (filter.accountData.admits({ type: PUSH_RULES })) {
      const content = await pushRules.changed(viewer, after, upTo.pos)
      if (content !== undefined) texts.push(accountDataText({ type: PUSH_RULES, content }))
    }
    if (texts.length === 0) return NOTHING_NEW
    return { text: `"account_data":{"events":[${texts.join(',')}]}`, isNews: true }
  }
}
