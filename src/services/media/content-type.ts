/** The type of what says nothing about itself. */
const UNKNOWN_TYPE = 'application/octet-stream'

const MAX_TYPE_LENGTH = 255
const TYPE = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+\s*(?:;[\x20-\x7e]*)?$/

/** Documents of the Korean word processor, which browsers do not know: HWP, and HWPX as its package names itself. */
const BY_EXTENSION: Readonly<Record<string, string>> = {
  hwp: 'application/x-hwp',
  hwpx: 'application/hwp+zip',
}

/** The type that an upload is kept with: the client's own, or where it said nothing what the file's name tells. */
export function contentTypeOf(sent: string | undefined, filename: string | undefined): string {
  const isUsable = sent !== undefined && sent.length <= MAX_TYPE_LENGTH && TYPE.test(sent)
  if (isUsable && essenceOf(sent) !== UNKNOWN_TYPE) return sent
  const extension = filename?.slice(filename.lastIndexOf('.') + 1).toLowerCase() ?? ''
  return (Object.hasOwn(BY_EXTENSION, extension) ? BY_EXTENSION[extension] : undefined) ?? UNKNOWN_TYPE
}

/** The type without its parameters, in lower case. */
export const essenceOf = (contentType: string): string => (contentType.split(';')[0] ?? '').trim().toLowerCase()
