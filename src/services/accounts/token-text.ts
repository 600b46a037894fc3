import { hash } from 'node:crypto'

type Random = (bytes: number) => Uint8Array

const TOKEN_BYTES = 32
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'

// The prefixes let a scanner recognise a token that leaked into a log or a repository.
export const newAccessToken = (random: Random): string => `bongsu_at_${secret(random)}`
export const newRefreshToken = (random: Random): string => `bongsu_rt_${secret(random)}`
export const newSecret = (random: Random): string => secret(random)

/** What is stored of a token: it has so much randomness that a plain hash cannot be reversed. */
export const hashToken = (token: string): string => hash('sha256', token, 'base64url')

/** Ten letters, because people compare device ids by eye. */
export const newDeviceId = (random: Random): string => letters(random, 10)

/** The localpart of an account whose owner did not choose one. */
export const newLocalpart = (random: Random): string => letters(random, 14).toLowerCase()

const secret = (random: Random) => Buffer.from(random(TOKEN_BYTES)).toString('base64url')

const letters = (random: Random, count: number) =>
  Array.from(random(count), (byte) => LETTERS[byte % LETTERS.length]).join('')
