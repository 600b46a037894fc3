import { type AccountData, GLOBAL } from '../../account-data/account-data.ts'
import type { PushRules } from '../../push-rules/push-rules.ts'
import { accountDataText } from '../../sync/rooms-section.ts'
import { LIVE, toldUpTo } from '../connection.ts'
import { type Extension, type ExtensionAnswer, type ExtensionContext, NOTHING, roomsInScope } from './extension.ts'

interface Deps {
  readonly accountData: AccountData
  readonly pushRules: PushRules
}

interface Item {
  readonly room_nid: number
  readonly type: string
  readonly content: string
  readonly pos: number
}

const PUSH_RULES = 'm.push_rules'

/** What the user keeps on the server, globally and for the rooms of the answer (MSC3959). */
export class AccountDataExtension implements Extension {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  async answer(context: ExtensionContext): Promise<ExtensionAnswer> {
    const { request, viewer, from, upTo, draft } = context
    const scope = request.extensions.accountData
    const changed = await this.#deps.accountData.changed(
      viewer.userNid,
      scope ? from?.pos : (from ?? upTo).pos,
      upTo.pos,
    )
    const byRoom = Map.groupBy(changed, ({ room_nid }) => room_nid)
    const told = new Set<number>()
    const rooms: string[] = []
    for (const { mine } of roomsInScope(context, scope)) {
      const { roomNid, roomId } = mine
      told.add(roomNid)
      const items = await this.#ofRoom(context, roomNid, byRoom)
      if (items.length > 0) rooms.push(`${JSON.stringify(roomId)}:[${items.map(accountDataText).join(',')}]`)
      draft.tell(roomNid, 'accountData', LIVE)
    }
    // Of a room out of sight, what changed is told when it comes back.
    for (const roomNid of byRoom.keys()) {
      if (from && !told.has(roomNid) && draft.rooms.get(roomNid)?.accountData === LIVE) {
        draft.tell(roomNid, 'accountData', from.pos)
      }
    }
    if (!scope) return NOTHING
    const own = (byRoom.get(GLOBAL) ?? []).map(accountDataText)
    const pushRules = await this.#deps.pushRules.changed(viewer, from?.pos, upTo.pos)
    if (pushRules !== undefined) own.push(accountDataText({ type: PUSH_RULES, content: pushRules }))
    if (own.length + rooms.length === 0) return NOTHING
    return { text: `"account_data":{"global":[${own.join(',')}],"rooms":{${rooms.join(',')}}}`, isNews: true }
  }

  async #ofRoom(
    { viewer, from, draft }: ExtensionContext,
    roomNid: number,
    changed: ReadonlyMap<number, readonly Item[]>,
  ): Promise<readonly Item[]> {
    const told = draft.rooms.get(roomNid)?.accountData
    // A first answer has read everything; a live room is told what changed.
    if (!from || told === LIVE) return changed.get(roomNid) ?? []
    const after = toldUpTo(told, from.pos) ?? 0
    return (await this.#deps.accountData.ofRoom(viewer.userNid, roomNid)).filter(({ pos }) => pos > after)
  }
}
