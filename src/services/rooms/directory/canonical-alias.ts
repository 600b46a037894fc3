import { badJson } from '../../../matrix/errors.ts'
import type { JsonObject } from '../../../matrix/json.ts'

/** The aliases that a canonical alias event names; throws `M_BAD_JSON` when it is malformed. */
export function aliasesNamed({ alias, alt_aliases: alternatives }: JsonObject): string[] {
  if (alias !== undefined && alias !== null && typeof alias !== 'string') throw badJson('alias must be a string')
  if (alternatives !== undefined && !isListOfTexts(alternatives)) throw badJson('alt_aliases must be a list of strings')
  // An empty alias stands for none.
  return [...(alias ? [alias] : []), ...(alternatives ?? [])]
}

/** The same event without an alias that no longer leads to the room; undefined when it does not name it. */
export function withoutAlias(content: JsonObject, gone: string): JsonObject | undefined {
  const { alias, alt_aliases: alternatives, ...rest } = content
  const others = isListOfTexts(alternatives) ? alternatives.filter((other) => other !== gone) : alternatives
  const hasChanged = alias === gone || (isListOfTexts(alternatives) && alternatives.includes(gone))
  if (!hasChanged) return undefined
  const keepsOthers = others !== undefined && !(Array.isArray(others) && others.length === 0)
  return {
    ...rest,
    ...(alias !== undefined && alias !== gone && { alias }),
    ...(keepsOthers && { alt_aliases: others }),
  }
}

const isListOfTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')
