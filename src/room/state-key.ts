/** One text for an event type and a state key, for maps. The length tells where one ends, whatever the two contain. */
export const stateKeyOf = (type: string, stateKey: string): string => `${type.length} ${type}${stateKey}`

/** The event type and the state key that such a text stands for. */
export function placeOfKey(key: string): [type: string, stateKey: string] {
  const start = key.indexOf(' ') + 1
  const end = start + Number(key.slice(0, start - 1))
  return [key.slice(start, end), key.slice(end)]
}
