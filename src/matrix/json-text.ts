// Looks at JSON text that nobody has parsed yet.

const QUOTE = 0x22
const COMMA = 0x2c
const OPEN_LIST = 0x5b
const OPEN_OBJECT = 0x7b

/** Where the string that starts there ends: at the next quote that no odd number of backslashes precedes. */
export function endOfString(text: string, start: number): number {
  for (let quote = start; ; ) {
    quote = text.indexOf('"', quote + 1)
    if (quote < 0) return text.length
    let backslash = quote
    while (text[backslash - 1] === '\\') backslash--
    if ((quote - backslash) % 2 === 0) return quote
  }
}

/** Whether there are more than `max` lists, objects and values in them: each has a bracket of its own, or a comma before it. */
export function hasMoreValues(text: string, max: number): boolean {
  let values = 0
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit === QUOTE) at = endOfString(text, at)
    else if (unit === COMMA || unit === OPEN_LIST || unit === OPEN_OBJECT) {
      if (++values > max) return true
    }
  }
  return false
}
