import { z } from 'zod'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const DURATIONS: Readonly<Record<string, number>> = { ms: 1, s: SECOND, min: MINUTE, h: HOUR, d: DAY, w: 7 * DAY }

const KIB = 1024
const SIZES: Readonly<Record<string, number>> = { B: 1, KiB: KIB, MiB: KIB ** 2, GiB: KIB ** 3, TiB: KIB ** 4 }

/** A length of time with its unit, `30s` or `7d`; milliseconds inside. */
export const duration = withUnit(DURATIONS, 'a length of time such as 30s, 5min, 12h or 7d')

/** A size with its unit, `50MiB`; bytes inside. */
export const size = withUnit(SIZES, 'a size such as 64KiB, 50MiB or 2GiB')

/** A day of the calendar, `2026-12-01`; its beginning, in milliseconds since 1970, inside. */
export const day = z.iso
  .date({ error: 'must be a day such as 2026-12-01' })
  .transform((text) => Date.parse(text))
  .meta({ wanted: 'a day such as 2026-12-01' })

function withUnit(units: Readonly<Record<string, number>>, what: string) {
  return z
    .string({ error: `must be ${what}` })
    .transform((text, ctx): number => {
      const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([A-Za-z]+)$/.exec(text.trim()) ?? []
      const factor = Object.hasOwn(units, unit) ? units[unit] : undefined
      if (factor !== undefined) return Math.round(Number(number) * factor)
      ctx.addIssue({ code: 'custom', message: `must be ${what}` })
      return z.NEVER
    })
    .meta({ wanted: what })
}
