import { isUtf8 } from 'node:buffer'
import { MatrixError } from '../matrix/errors.ts'
import { isObject, type Json, type JsonObject } from '../matrix/json.ts'
import { parseJson } from '../matrix/parse-json.ts'
import { Turn } from '../util/turn.ts'

/** What is parsed at once: 0.2 ms; 1 ms, where numbers need a look at their source. */
const PIECE_BYTES = 32 * 1024
/** An event of the deepest nesting that is honest, inside of an answer. */
const MAX_DEPTH = 1010

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OPEN_LIST = 0x5b
const CLOSE_LIST = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/**
 * Parses JSON of any size without holding the event loop: containers that are larger than a piece are taken apart.
 * `JSON.parse` takes 60 ms for 10 MB of events. A worker would not spare the loop of them: to copy back what it parsed
 * takes the loop as long as to parse it there (125 ms for both copies, measured).
 * Throws `M_NOT_JSON` as `parseJson` does, also for what is nested so deeply that walking it would overflow the stack.
 */
export async function parseLargeJson(bytes: Buffer): Promise<Json> {
  const turn = new Turn()
  const large = await largeContainers(bytes, turn)
  const [whole] = [...large].at(-1) ?? []
  // What holds everything else closes last.
  if (whole === undefined) return parseJson(textOf(bytes, 0, bytes.length))
  const around = `${textOf(bytes, 0, whole)}null${textOf(bytes, (large.get(whole) ?? 0) + 1, bytes.length)}`
  if (parseJson(around) !== null) throw notJson()
  return parseContainer({ bytes, large, turn }, whole)
}

interface Source {
  readonly bytes: Buffer
  /** Where containers that are larger than a piece begin and end. */
  readonly large: ReadonlyMap<number, number>
  readonly turn: Turn
}

/** One member of a list or object: its text is there, up to the comma. */
interface Member {
  readonly start: number
  readonly end: number
  /** Where in it a large container begins. */
  readonly inner: number | undefined
}

/** In the order in which they end. */
async function largeContainers(bytes: Buffer, turn: Turn): Promise<Map<number, number>> {
  const large = new Map<number, number>()
  const open: number[] = []
  let checkAt = PIECE_BYTES
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte === QUOTE) {
      at = endOfString(bytes, at)
    } else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      if (open.push(at) > MAX_DEPTH) throw notJson()
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) {
      const start = open.pop()
      if (start === undefined) throw notJson()
      if (at - start > PIECE_BYTES) large.set(start, at)
    }
    if (at >= checkAt) {
      checkAt = at + PIECE_BYTES
      if (turn.isOver) await turn.give()
    }
  }
  if (open.length > 0) throw notJson()
  return large
}

/** A large container, put together of what its pieces hold. */
async function parseContainer(source: Source, start: number): Promise<Json> {
  const { bytes, large, turn } = source
  const end = large.get(start) ?? start
  const [opening, closing] = [textOf(bytes, start, start + 1), textOf(bytes, end, end + 1)]
  /** The members within this text; a comma calls for one. */
  const parse = (text: string, mayBeEmpty = false): JsonObject | Json[] => {
    const members = parseJson(opening + text + closing)
    if (!isObject(members) && !Array.isArray(members)) throw notJson()
    if (!mayBeEmpty && Object.keys(members).length === 0) throw notJson()
    return members
  }
  const whole = parse('', true)
  let from = start + 1
  for (const member of membersOf(source, start, end)) {
    const isWhole = from === start + 1 && member.end === end
    if (member.inner !== undefined) {
      if (member.start > from) add(whole, parse(textOf(bytes, from, member.start - 1)))
      const innerEnd = large.get(member.inner) ?? member.end
      const around = `${textOf(bytes, member.start, member.inner)}null${textOf(bytes, innerEnd + 1, member.end)}`
      add(whole, parse(around), await parseContainer(source, member.inner))
    } else if (member.end - from >= PIECE_BYTES || member.end === end) {
      add(whole, parse(textOf(bytes, from, member.end), isWhole))
    } else {
      continue
    }
    from = member.end + 1
    if (turn.isOver) await turn.give()
  }
  return whole
}

function* membersOf({ bytes, large }: Source, opening: number, closing: number): Generator<Member> {
  let start = opening + 1
  let inner: number | undefined
  for (let at = start; at <= closing; at++) {
    const byte = bytes[at]
    if (byte === QUOTE) {
      at = endOfString(bytes, at)
    } else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      const end = large.get(at)
      if (end !== undefined) inner = at
      at = end ?? endOfSmall(bytes, at)
    } else if (byte === COMMA || at === closing) {
      yield { start, end: at, inner }
      start = at + 1
      inner = undefined
    }
  }
}

/** Adds members; `value` takes the place of what the only one of them has. */
function add(whole: JsonObject | Json[], members: JsonObject | Json[], value?: Json): void {
  if (Array.isArray(whole)) {
    for (const item of Array.isArray(members) ? members : []) whole.push(value ?? item)
    return
  }
  for (const [key, item] of Object.entries(members)) {
    // `__proto__` is an ordinary key.
    Object.defineProperty(whole, key, { value: value ?? item, writable: true, enumerable: true, configurable: true })
  }
}

/** Brackets match in number; whether they match in kind, the parser sees. */
function endOfSmall(bytes: Buffer, start: number): number {
  let depth = 0
  for (let at = start; ; at++) {
    const byte = bytes[at]
    if (byte === QUOTE) at = endOfString(bytes, at)
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) depth++
    else if ((byte === CLOSE_LIST || byte === CLOSE_OBJECT) && --depth === 0) return at
  }
}

/** Where the string that starts there ends: at the next quote that no odd number of backslashes precedes. */
function endOfString(bytes: Buffer, start: number): number {
  for (let quote = bytes.indexOf(QUOTE, start + 1); quote >= 0; quote = bytes.indexOf(QUOTE, quote + 1)) {
    let backslash = quote
    while (bytes[backslash - 1] === BACKSLASH) backslash--
    if ((quote - backslash) % 2 === 0) return quote
  }
  return bytes.length
}

function textOf(bytes: Buffer, start: number, end: number): string {
  const part = bytes.subarray(start, end)
  if (!isUtf8(part)) throw notJson()
  return part.toString('utf8')
}

const notJson = () => new MatrixError('M_NOT_JSON', 'Not JSON')
