import { domainToASCII } from 'node:url'
import { addressOf, isIpLiteral, parseServerName } from '../../matrix/server-name.ts'

/** A server name in the one spelling that names are compared in. */
export interface PlainName {
  /** Lower case, without a dot at its end, other scripts as punycode; an IPv6 address in its shortest form. */
  readonly host: string
  readonly port: number
}

/** A server without a port is found at this one, or where its own host says. */
const DEFAULT_PORT = 8448

/** `undefined` if it is no server name, in whatever spelling. */
export function plainName(text: string): PlainName | undefined {
  const [, spelt = '', port = ''] = /^(\[[^\]]*\]|[^:[\]/?#@\\%\s]*)((?::\d{1,5})?)$/.exec(text) ?? []
  const host = isIpLiteral(spelt) ? (addressOf(spelt) ?? '') : domainToASCII(spelt).toLowerCase().replace(/\.$/, '')
  const parts = parseServerName(host + port)
  return parts && { host: parts.host, port: parts.port ?? DEFAULT_PORT }
}
