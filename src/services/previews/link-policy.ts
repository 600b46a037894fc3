import { domainToASCII } from 'node:url'
import { invalidParam } from '../../matrix/errors.ts'

const MAX_URL_LENGTH = 2048
const PATTERN = /^(\*\.)?(.+?)(?::(\d{1,5}|\*))?$/

interface HostPattern {
  /** `*` for all. */
  readonly host: string
  /** Hosts below it too. */
  readonly isTree: boolean
  /** `undefined`: none was named. */
  readonly port: string | undefined
}

/** Which links are followed. Patterns: see `config/previews.ts`. Addresses have rules of their own: `AddressRules`. */
export class LinkPolicy {
  readonly #allowed: readonly HostPattern[]
  readonly #blocked: readonly HostPattern[]

  constructor(allowed: readonly string[], blocked: readonly string[]) {
    this.#allowed = allowed.map(patternOf)
    this.#blocked = blocked.map(patternOf)
  }

  allows(url: URL): boolean {
    if (url.protocol !== 'https:' && url.protocol !== 'http:') return false
    if (url.username !== '' || url.password !== '') return false
    return this.#allowed.some((one) => fits(one, url, '')) && !this.#blocked.some((one) => fits(one, url, url.port))
  }
}

/** A link as a client sends it, without its fragment; `M_INVALID_PARAM` where it is none that could have a preview. */
export function parseLink(text: string): URL {
  const url = text.length <= MAX_URL_LENGTH ? URL.parse(text) : null
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) throw invalidParam('Not a web address')
  if (url.username !== '' || url.password !== '') throw invalidParam('An address with a password has no preview')
  url.hash = ''
  return url
}

function patternOf(text: string): HostPattern {
  const [, tree, name = '', port] = PATTERN.exec(text) ?? []
  const host = name === '*' || name.startsWith('[') ? name.toLowerCase() : domainToASCII(name)
  return { host, isTree: tree !== undefined, port }
}

/**
 * `unsaidPort`: the port, as `URL` has it, that is meant where a pattern names none. What answers on unusual ports is
 * seldom meant for the public, so that is the usual one ('') for what is allowed, and any for what is blocked.
 */
function fits({ host, isTree, port }: HostPattern, url: URL, unsaidPort: string): boolean {
  const hostname = url.hostname.replace(/\.$/, '') // the same host
  const isHost = host === '*' || hostname === host || (isTree && hostname.endsWith(`.${host}`))
  return isHost && (port === undefined ? url.port === unsaidPort : port === '*' || port === portOf(url))
}

const portOf = (url: URL): string => url.port || (url.protocol === 'https:' ? '443' : '80')
