const MAX_LENGTH = 255

/** Control characters, what separates directories, and what turns the direction of text: `gpj.exe` shown as `exe.jpg`. */
const UNSAFE = /[\p{Cc}/\\\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

/** A file's name as it is kept and offered: composed (NFC), so that macOS's 한글 is Windows's 한글; `undefined` for none. */
export function cleanFilename(name: string | undefined): string | undefined {
  if (name === undefined) return undefined
  const clean = [...name.toWellFormed().normalize('NFC').replace(UNSAFE, '_').trim()].slice(0, MAX_LENGTH).join('')
  return clean === '' || /^\.+$/.test(clean) ? undefined : clean
}
