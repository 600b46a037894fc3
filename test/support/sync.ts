// biome-ignore-all lint/suspicious/noExplicitAny: tests look into answers of many shapes, and a wrong one fails them

/** The text of each timeline event of a room in an answer to `/sync`, or its type where it has none. */
export const timelineOf = (room: any): string[] =>
  room.timeline.events.map((event: any) => event.content.body ?? event.type)

/** `type` or `type/state_key` of each state event, in order. */
export const stateOf = (section: any): string[] =>
  section.events.map((event: any) => event.type + (event.state_key === '' ? '' : `/${event.state_key}`)).sort()

/** The content of the account data or ephemeral event of this type. */
export const contentOf = (section: any, type: string): any =>
  section?.events.find((event: any) => event.type === type)?.content

export const filter = (content: object): { filter: string } => ({ filter: JSON.stringify(content) })
