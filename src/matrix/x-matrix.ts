import { canonicalJson } from './canonical-json.ts'
import type { SigningKey } from './signing-key.ts'

/** What a request's `Authorization` header says (spec: server-server API, Request Authentication). */
export interface XMatrix {
  readonly origin: string
  /** Absent with servers older than v1.3. */
  readonly destination: string | undefined
  readonly keyId: string
  readonly signature: string
}

/** What a request's signature covers. */
export interface SignedRequest {
  readonly method: string
  /** Path and query, as sent. */
  readonly uri: string
  readonly origin: string
  readonly destination: string
  /** The canonical JSON of the body; undefined where there is none. */
  readonly contentText?: string | undefined
}

// A value is quoted, or is a token, in which older servers also put colons (and base64 its own letters).
const PARAMETER =
  /[ \t]*([A-Za-z0-9!#$%&'*+.^_`|~-]+)=(?:"((?:[^"\\]|\\.)*)"|([A-Za-z0-9!#$%&'*+.^_`|~:/=[\]-]*))[ \t]*(?:,|$)/y
const MAX_LENGTH = 4096

/** `undefined` if it is no such header, or one that names a parameter twice. */
export function parseXMatrix(header: string): XMatrix | undefined {
  const scheme = /^X-Matrix[ \t]+/i.exec(header)
  if (!scheme || header.length > MAX_LENGTH) return undefined
  const found = new Map<string, string>()
  for (PARAMETER.lastIndex = scheme[0].length; PARAMETER.lastIndex < header.length; ) {
    const [, name = '', quoted, token] = PARAMETER.exec(header) ?? []
    const key = name.toLowerCase()
    if (key === '' || found.has(key)) return undefined
    found.set(key, quoted?.replace(/\\(.)/g, '$1') ?? token ?? '')
  }
  const [origin, keyId, signature] = [found.get('origin'), found.get('key'), found.get('sig')]
  if (!origin || !keyId || !signature) return undefined
  return { origin, destination: found.get('destination'), keyId, signature }
}

/** The text that is signed. */
export function requestText({ method, uri, origin, destination, contentText }: SignedRequest): string {
  const rest = canonicalJson({ destination, method, origin, uri })
  return contentText === undefined ? rest : `{"content":${contentText},${rest.slice(1)}`
}

/** The header that signs a request. */
export function xMatrixHeader(request: SignedRequest, key: SigningKey): string {
  const signature = key.sign(requestText(request))
  const { origin, destination } = request
  return `X-Matrix origin="${origin}",destination="${destination}",key="${key.keyId}",sig="${signature}"`
}
