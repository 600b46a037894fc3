const MAX_LENGTH = 255

/** Control characters, what separates directories, and what turns the direction of text: `gpj.exe` shown as `exe.jpg`. */
const UNSAFE = /[\p{Cc}/\\\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

/** A file's name as it is kept and offered: composed (NFC), so that macOS's 한글 is Windows's 한글; `undefined` for none. */
export function cleanFilename(name: string | undefined): string | undefined {
  if (name === undefined) return undefined
  const clean = [...name.toWellFormed().normalize('NFC').replace(UNSAFE, '_').trim()].slice(0, MAX_LENGTH).join('')
  return clean === '' || /^\.+$/.test(clean) ? undefined : clean
}

/** The name that a `Content-Disposition` gives, in either form (RFC 6266): `filename*` is meant for those who know it. */
export function filenameOf(disposition: string | undefined): string | undefined {
  if (disposition === undefined) return undefined
  const [, encoded] = /;\s*filename\*\s*=\s*utf-8'[^']*'([^;\s]+)/i.exec(disposition) ?? []
  const decoded = encoded === undefined ? undefined : decode(encoded)
  if (decoded !== undefined) return cleanFilename(decoded)
  const [, quoted, plain] = /;\s*filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s"]+))/i.exec(disposition) ?? []
  return cleanFilename(quoted?.replace(/\\(.)/g, '$1') ?? plain)
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
