/** One text for an event type and a state key, for maps. The length tells where one ends, whatever the two contain. */
export const stateKeyOf = (type: string, stateKey: string): string => `${type.length} ${type}${stateKey}`
