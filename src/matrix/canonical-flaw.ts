import { type ExactNumber, isExactNumber, isInteger } from './exact-number.ts'

/**
 * Deeper than any honest event, about what Python's parser reads. Every walk over a value that passed, ours or the
 * engine's, fits in the stack.
 */
const MAX_DEPTH = 1000

/**
 * What keeps a value from having canonical JSON, or `undefined`. Strict (room version 6 and later): only integers within
 * 2^53 - 1, no `-0`. Otherwise every finite number. Never nesting beyond 1,000, never an unpaired surrogate.
 */
export function canonicalFlaw(value: unknown, isStrict: boolean): string | undefined {
  return flawIn(value, isStrict, MAX_DEPTH)
}

function flawIn(value: unknown, isStrict: boolean, depthLeft: number): string | undefined {
  if (typeof value === 'string') return value.isWellFormed() ? undefined : 'A text has an unpaired surrogate'
  if (typeof value === 'number') return numberFlaw(value, isStrict)
  if (typeof value === 'boolean' || value === null) return undefined
  if (typeof value !== 'object') return `Not a JSON value: ${typeof value}`
  if (isExactNumber(value)) return isStrict ? NOT_STRICT : exactNumberFlaw(value)
  if (depthLeft === 0) return `Nested more than ${MAX_DEPTH} deep`
  if (Array.isArray(value)) {
    for (const item of value) {
      const flaw = flawIn(item, isStrict, depthLeft - 1)
      if (flaw !== undefined) return flaw
    }
    return undefined
  }
  for (const key of Object.keys(value)) {
    if (!key.isWellFormed()) return 'A key has an unpaired surrogate'
    const item = (value as Record<string, unknown>)[key]
    const flaw = item === undefined ? undefined : flawIn(item, isStrict, depthLeft - 1)
    if (flaw !== undefined) return flaw
  }
  return undefined
}

const OUT_OF_RANGE = 'A number is out of range'
const NOT_STRICT = 'A number is no integer within 2^53 - 1'

function numberFlaw(value: number, isStrict: boolean): string | undefined {
  if (!isStrict) return Number.isFinite(value) ? undefined : OUT_OF_RANGE
  return Number.isSafeInteger(value) && !Object.is(value, -0) ? undefined : NOT_STRICT
}

/** An integer has a text however long it is; a float beyond the range of a double has none. */
const exactNumberFlaw = ({ rawJSON }: ExactNumber): string | undefined =>
  isInteger(rawJSON) || Number.isFinite(Number(rawJSON)) ? undefined : OUT_OF_RANGE
