import { canonicalFlaw } from '../../matrix/canonical-flaw.ts'
import { canonicalJson } from '../../matrix/canonical-json.ts'
import { MatrixError } from '../../matrix/errors.ts'
import type { Json } from '../../matrix/json.ts'
import type { VerifyKeys } from '../../matrix/sign-json.ts'
import { parseXMatrix, requestText, type XMatrix } from '../../matrix/x-matrix.ts'

interface Deps {
  readonly serverName: string
  /** Whether we talk to that server: asked before anything is read, fetched or looked up because of it. */
  mayFederate(serverName: string): boolean
  verifyKeys(serverName: string, keyIds: readonly string[], atTs: number): Promise<VerifyKeys>
  now(): number
  /** Told that a server reached us, and that it is who it says it is. */
  onHeard(serverName: string): void
}

/** A request whose body has been read. */
export interface ReceivedRequest {
  readonly method: string
  /** Path and query, as they came. */
  readonly uri: string
  /** The body; undefined where there was none. */
  readonly content: Json | undefined
}

/** Who says that a request is theirs; nothing of it is proven. */
export type Claim = readonly [XMatrix, ...XMatrix[]]

/** A request has one header for each key that signed it. */
const MAX_HEADERS = 5

/** Proves from which server a request comes (spec: server-server API, Request Authentication). */
export class RequestAuth {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Reads the `Authorization` headers and lets only those go on whose origin we talk to. Nothing else is done yet. */
  claimOf(headers: readonly string[]): Claim {
    const [first, ...others] = headers.slice(0, MAX_HEADERS).map(parseXMatrix)
    if (!first) throw unauthorized()
    const more = others.filter((other) => other?.origin === first.origin && other.destination === first.destination)
    const { origin, destination } = first
    const { serverName, mayFederate } = this.#deps
    if (destination !== undefined && destination !== serverName) throw unauthorized()
    if (origin === serverName || !mayFederate(origin)) throw unauthorized()
    return [first, ...more.filter((other) => other !== undefined)]
  }

  /** The server that sent the request, proven by one of its keys. The signatures are checked on the thread pool. */
  async prove(claim: Claim, { method, uri, content }: ReceivedRequest): Promise<string> {
    const { serverName, verifyKeys, now, onHeard } = this.#deps
    const { origin } = claim[0]
    if (content !== undefined && canonicalFlaw(content, false) !== undefined) {
      throw new MatrixError('M_BAD_JSON', 'The body has no canonical JSON')
    }
    const keyIds = claim.map(({ keyId }) => keyId)
    const keys = await verifyKeys(origin, keyIds, now())
    const contentText = content === undefined ? undefined : canonicalJson(content)
    const text = requestText({ method, uri, origin, destination: serverName, contentText })
    for (const { keyId, signature } of claim) {
      if (!(await keys.get(keyId)?.verify(text, signature))) continue
      onHeard(origin)
      return origin
    }
    throw unauthorized()
  }
}

/** The same for whatever is wrong: a stranger must not learn with whom we talk. */
const unauthorized = () =>
  new MatrixError('M_UNAUTHORIZED', 'The request is not signed by a server that this one federates with')
