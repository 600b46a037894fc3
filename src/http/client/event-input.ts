import { z } from 'zod'
import { invalidParam } from '../../matrix/errors.ts'
import type { JsonObject } from '../../matrix/json.ts'
import { firstParam, intParam } from '../query.ts'
import type { Deeds, Requester } from '../route.ts'

/** Types, state keys and transaction ids share the limit of 255 bytes (spec: size limits). */
export const bounded = z.string().refine((text) => Buffer.byteLength(text) <= 255, 'Longer than 255 bytes')

export const timed = z.object({ ts: firstParam.optional() })

/** With a delay the event is sent later (MSC4140). */
export const delayable = timed.extend({ 'org.matrix.msc4140.delay': firstParam.pipe(intParam).optional() })

/** Application services alone may say when an event happened (spec: application service API, Timestamp massaging). */
export function timeOf({ appservice }: Requester, { ts }: z.output<typeof timed>): number | undefined {
  if (!appservice || ts === undefined) return undefined
  if (!/^\d{1,16}$/.test(ts) || !Number.isSafeInteger(Number(ts))) throw invalidParam('ts is a time in milliseconds')
  return Number(ts)
}

/** For how many milliseconds the event is to wait; undefined: it is sent at once. */
export function delayOf({ 'org.matrix.msc4140.delay': delay }: z.output<typeof delayable>): number | undefined {
  if (delay !== undefined && delay <= 0) throw invalidParam('A delay is a positive number of milliseconds')
  return delay
}

/** An invite counts as one, by whatever endpoint it is sent. */
export const invitesBy = (type: string, { membership }: JsonObject): Deeds => ({
  invite: type === 'm.room.member' && membership === 'invite' ? 1 : 0,
})
