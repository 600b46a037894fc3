import { parseServerName } from '../../matrix/server-name.ts'
import type { ListSource } from './list-source.ts'
import { type ListedServer, ServerList } from './server-list.ts'

interface Deps {
  readonly serverName: string
  /** Nobody, the listed servers, or everybody. */
  readonly mode: 'closed' | 'list' | 'open'
  readonly servers: readonly ListedServer[]
  readonly signedList: ListSource | undefined
  /** Rooms that have members of servers that are not listed: closed to our users, or open. */
  readonly unlistedMembers: 'refuse' | 'allow'
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

  /** Whether we talk to that server again as soon as the list that others keep is renewed: what waits for it is kept. */
  isSuspended(serverName: string): boolean {
    return !this.mayFederate(serverName) && (this.#deps.signedList?.isAwaited(serverName) ?? false)
  }

  /**
   * Whether events of that server's users are taken when others pass them on, and its keys looked up for it: those of
   * servers that are not listed only where rooms may have them as members.
   */
  mayBelieve(serverName: string): boolean {
    const { mode, unlistedMembers } = this.#deps
    if (this.mayFederate(serverName)) return true
    return mode === 'list' && unlistedMembers === 'allow' && parseServerName(serverName) !== undefined
  }

  /** Whether a member from that server closes a room to our users. */
  isStranger(serverName: string): boolean {
    return this.#deps.mode === 'list' && !this.mayBelieve(serverName)
  }

  /** Whether the list that others keep has run out: who is a stranger only because of that may be none tomorrow. */
  get hasRunOut(): boolean {
    return this.#deps.signedList?.hasRunOut ?? false
  }

  /** The only public key that is believed of a server (base64, unpadded), where the list gives one. */
  pinnedKey(serverName: string): string | undefined {
    return this.#listed.keyOf(serverName) ?? this.#deps.signedList?.servers.keyOf(serverName)
  }
}
