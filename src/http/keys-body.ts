import { z } from 'zod'
import { type UserId, userId } from '../matrix/ids.ts'
import type { Claim } from '../services/keys/key-claims.ts'

/** Whose keys are wanted, as both APIs have it. */

const MAX_USERS = 5_000
const MAX_DEVICES = 1_000

const ofUsers = <T extends z.ZodType>(value: T) =>
  z.record(userId, value).refine((users) => Object.keys(users).length <= MAX_USERS, `At most ${MAX_USERS} users`)

/** The devices of each user; none named means all. */
export const queriedKeys = ofUsers(z.array(z.string()).max(MAX_DEVICES))

/** The algorithm for each device of each user. */
export const claimedKeys = ofUsers(z.record(z.string(), z.string()))

const entries = <T>(record: Partial<Record<string, T>>) => Object.entries(record) as [string, T][]

export const wantedOf = (body: z.infer<typeof queriedKeys>): Map<UserId, string[]> =>
  new Map(entries(body) as [UserId, string[]][])

export const claimsOf = (body: z.infer<typeof claimedKeys>): Claim[] =>
  entries(body).flatMap(([owner, devices]) =>
    entries(devices).map(([deviceId, algorithm]) => ({ userId: owner as UserId, deviceId, algorithm })),
  )
