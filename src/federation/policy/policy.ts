import { parseServerName } from '../../matrix/server-name.ts'
import type { ListSource } from './list-source.ts'
import { type ListedServer, ServerList } from './server-list.ts'

interface Deps {
  readonly serverName: string
  /** Nobody, the listed servers, or everybody. */
  readonly mode: 'closed' | 'list' | 'open'
  readonly servers: readonly ListedServer[]
  readonly signedList: ListSource | undefined
}

/** With whom this server talks. It is asked before anything is sent, fetched, looked up or believed. */
export class FederationPolicy {
  readonly #deps: Deps
  readonly #listed: ServerList

  constructor(deps: Deps) {
    this.#deps = deps
    this.#listed = new ServerList(deps.servers)
  }

  /** Whether we talk to everybody, so that it is no secret to whom. */
  get isOpen(): boolean {
    return this.#deps.mode === 'open'
  }

  /** Whether we talk to that server: ourselves, and others as the mode has it. Never for what is no server name. */
  mayFederate(serverName: string): boolean {
    const { serverName: own, mode, signedList } = this.#deps
    if (serverName === own) return true
    if (mode === 'closed') return false
    if (mode === 'open') return parseServerName(serverName) !== undefined
    if (this.#listed.has(serverName) || signedList?.servers.has(serverName)) return true
    signedList?.onMiss()
    return false
  }

  /** The only public key that is believed of a server (base64, unpadded), where the list gives one. */
  pinnedKey(serverName: string): string | undefined {
    return this.#listed.keyOf(serverName) ?? this.#deps.signedList?.servers.keyOf(serverName)
  }
}
