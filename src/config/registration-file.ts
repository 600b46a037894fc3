import { readFileSync } from 'node:fs'
import { LineCounter, parseDocument } from 'yaml'
import { z } from 'zod'
import { ConfigMistakes, mistakesOf } from './mistakes.ts'

/** Spec: application service API, Registration; what is not known is left alone, because bridges add keys of their own. */
const namespaces = z
  .array(
    z.object({
      exclusive: z.boolean(),
      regex: z.string().refine(isRegex, 'is no regular expression'),
    }),
  )
  .nullish()
  .transform((list) => list ?? [])

const registration = z.object({
  id: z.string().min(1),
  url: z.url({ protocol: /^https?$/, error: 'must be a URL that starts with http:// or https://, or null' }).nullable(),
  as_token: z.string().min(1),
  hs_token: z.string().min(1),
  sender_localpart: z.string().min(1),
  namespaces: z.object({ users: namespaces, aliases: namespaces, rooms: namespaces }),
  rate_limited: z.boolean().nullish(),
  protocols: z.array(z.string()).nullish(),
  receive_ephemeral: z.boolean().optional(),
  // Names from before the specification had it, which bridges still write.
  'de.sorunome.msc2409.push_ephemeral': z.boolean().optional(),
  push_ephemeral: z.boolean().optional(),
  // MSC3202: what encryption needs is sent along.
  'org.matrix.msc3202': z.boolean().optional(),
})

export type Registration = z.output<typeof registration>

/** Reads a registration file; throws `ConfigMistakes` with everything that is wrong with it. */
function readRegistration(file: string): Registration {
  const lines = new LineCounter()
  const document = parseDocument(textOf(file), { lineCounter: lines, prettyErrors: false })
  if (document.errors.length > 0) {
    const mistakes = document.errors.map(({ message, pos }) => ({ line: lines.linePos(pos[0]).line, message }))
    throw new ConfigMistakes(file, mistakes)
  }
  const result = registration.safeParse(document.toJS() ?? {}, { reportInput: true })
  if (!result.success) throw new ConfigMistakes(file, mistakesOf(result.error.issues, registration, document, lines))
  return result.data
}

/** All of them; `id` and `as_token` say which one it is, so that no two may have the same (spec: Registration). */
export function readRegistrations(files: readonly string[]): Registration[] {
  const read: Registration[] = []
  for (const file of files) {
    const one = readRegistration(file)
    for (const key of ['id', 'as_token'] as const) {
      if (!read.some((other) => other[key] === one[key])) continue
      throw new ConfigMistakes(file, [{ line: undefined, message: `${key}: another registration has the same` }])
    }
    read.push(one)
  }
  return read
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw new ConfigMistakes(file, [{ line: undefined, message }])
  }
}

function isRegex(text: string): boolean {
  try {
    new RegExp(text)
    return true
  } catch {
    return false
  }
}
