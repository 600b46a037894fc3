import { invalidParam, missingParam } from '../../matrix/errors.ts'
import type { JsonObject } from '../../matrix/json.ts'

const PATH = '/_matrix/push/v1/notify'

/** Checks what a pusher's `data` says of its gateway. Throws `M_MISSING_PARAM` and `M_INVALID_PARAM`. */
export function checkGateway({ url, format }: JsonObject, allowsPlainHttp: boolean): void {
  if (url === undefined) throw missingParam('Missing parameters: data.url')
  if (typeof url !== 'string' || !URL.canParse(url)) throw invalidParam('data.url is not a URL')
  const { protocol, pathname, username, password } = new URL(url)
  const isAllowed = protocol === 'https:' || (protocol === 'http:' && allowsPlainHttp)
  if (!isAllowed) throw invalidParam('data.url must be an https URL')
  if (pathname !== PATH) throw invalidParam(`data.url must have the path ${PATH}`)
  if (username !== '' || password !== '') throw invalidParam('data.url must not contain a password')
  if (format !== undefined && typeof format !== 'string') throw invalidParam('data.format is not a text')
}
