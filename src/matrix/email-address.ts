/** As long as a path in SMTP may be (RFC 5321, 4.5.3.1.3). */
const MAX_LENGTH = 254
/** One `@`, and nothing that could end a header or an address; mail servers know the rest. */
const SHAPE = /^[^\s@<>,;:"()[\]\\\p{C}]+@[^\s@<>,;:"()[\]\\\p{C}]+$/u

/**
 * An address as it is stored and compared, in lower case (spec: appendices, 3PID types); `undefined` for what is no
 * address.
 */
export function emailAddress(text: string): string | undefined {
  const address = text.trim().normalize('NFC').toLowerCase()
  return address.length <= MAX_LENGTH && SHAPE.test(address) ? address : undefined
}
