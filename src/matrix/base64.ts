/** Unpadded base64 (spec: appendices), of bytes. */
export const toBase64 = (bytes: Uint8Array): string => {
  const text = asBuffer(bytes).toString('base64')
  const end = text.indexOf('=')
  return end < 0 ? text : text.slice(0, end)
}

/** URL-safe unpadded base64. */
export const toBase64Url = (bytes: Uint8Array): string => asBuffer(bytes).toString('base64url')

const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/

/** Bytes from base64 in either alphabet, with or without padding; `undefined` if the text is none. */
export const fromBase64 = (text: string): Buffer | undefined => {
  if (!BASE64.test(text)) return undefined
  const digits = text.replace(/=+$/, '').length
  return digits % 4 === 1 ? undefined : Buffer.from(text, 'base64')
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
