import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Route } from '../../src/http/route.ts'
import { clientRoutes } from '../../src/http/routes.ts'
import type { Answer, Client, User } from '../support/client.ts'
import { startServer } from '../support/server.ts'

/** How often each route is tried: a few times in each run of the tests, `FUZZ_RUNS=1000` for a long one. */
const RUNS = Number(process.env.FUZZ_RUNS ?? 12)
/** What all routes together may leave behind in memory. */
const MAX_GROWTH_BYTES = 64 * 1024 * 1024

/** Stand for ids that exist, so that garbage also reaches what lies behind the first look. */
const REAL = ['$USER', '$ROOM', '$EVENT', '$ALIAS'] as const
type Real = Readonly<Record<(typeof REAL)[number], string>>

/** Texts that have broken somebody's server. */
const nasty = fc.constantFrom(
  ...REAL,
  ...REAL,
  ...[
    '',
    ' ',
    '.',
    '..',
    '\u0000',
    '\ud800',
    '\u202e',
    '__proto__',
    'constructor',
    'null',
    'NaN',
    '-1',
    '1e999',
    '%',
    '%00',
    '%ZZ',
  ],
  ...['@alice:example.org', '@:', '!', '$', '#:example.org', '!x:example.org', 's1_1', 't-5_-5', 'join', 'f', 'b'],
  ...["' or 1=1 --", '$(id)', '../../etc/passwd', '\r\nX: y', 'a'.repeat(300), '가'.repeat(100)],
)
const text = fc.oneof(nasty, fc.string({ unit: 'binary', maxLength: 40 }))

/** The names that the specification uses in bodies and queries, so that garbage gets past the first check. */
const name = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.constantFrom(
      ...'type user user_id identifier password auth session token limit from to dir filter since set_presence room_id event_id reason invite preset initial_state content state_key membership rel_type m.relates_to displayname avatar_url actions conditions pattern body msgtype visibility room_alias_name server via at ts new_version typing search_term room_types room_version creation_content power_level_content_override is_direct device_id refresh_token presence status_msg'.split(
        ' ',
      ),
    ),
  },
  { weight: 1, arbitrary: text },
)
const value = fc.letrec((tie) => ({
  json: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.oneof(text, fc.integer(), fc.double(), fc.boolean(), fc.constant(null)),
    fc.array(tie('json'), { maxLength: 4 }),
    fc.dictionary(name, tie('json'), { maxKeys: 6 }),
  ),
})).json
const objects = fc.dictionary(name, value, { maxKeys: 8 })
const body = fc.oneof(
  { weight: 6, arbitrary: objects.map((object) => JSON.stringify(object)) },
  { weight: 1, arbitrary: value.map((json) => JSON.stringify(json)) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 200 }) },
)

interface Garbage {
  readonly parts: readonly string[]
  readonly query: readonly (readonly [string, string])[]
  readonly body: string
  /** Percent-encoding left out, so that the path itself is broken. */
  readonly isRaw: boolean
  /** Which of the route's paths. */
  readonly pick: number
}

const garbage: fc.Arbitrary<Garbage> = fc.record({
  parts: fc.array(text, { minLength: 4, maxLength: 4 }),
  query: fc.array(fc.tuple(name, text), { maxLength: 5 }),
  body,
  isRaw: fc.constantFrom(false, false, false, true),
  pick: fc.nat(),
})

function send(user: User, real: Real, { spec }: Route, { parts, query, body, isRaw, pick }: Garbage): Promise<Answer> {
  const paths = [spec.path].flat()
  const withIds = (text: string) => text.replaceAll(/\$(?:USER|ROOM|EVENT|ALIAS)/g, (name) => real[name as keyof Real])
  const encode = (text: string) => encodeURIComponent(withIds(text).toWellFormed())
  let part = 0
  const path = (paths[pick % paths.length] ?? '').replaceAll(/:\w+/g, () => {
    const text = parts[part++ % parts.length] ?? ''
    return isRaw ? text.replaceAll(/[^!-"$->@-~]/g, '') : encode(text)
  })
  const search = query.map(([key, text]) => `${encode(key)}=${encode(text)}`).join('&')
  // Long polls would wait.
  return user.request(spec.method, `${path}?timeout=0&${search}`, spec.method === 'GET' ? undefined : withIds(body))
}

/** A user with a room; a new one for each route, because garbage may log out, or end the account. */
async function newcomer(client: Client, name: string): Promise<{ user: User; real: Real }> {
  const user = await client.register(name)
  const room = await user.createRoom({ room_alias_name: name })
  const event = await user.send(room, 'hello')
  return { user, real: { $USER: user.userId, $ROOM: room, $EVENT: event, $ALIAS: `#${name}:example.org` } }
}

describe('garbage', () => {
  it('is refused by every route without an error of the server', { timeout: 60 * 60_000 }, async () => {
    const { client, server } = await startServer()
    const before = await settledHeap()
    for (const [index, route] of clientRoutes.entries()) {
      const { user, real } = await newcomer(client, `tester${index}`)
      const property = fc.asyncProperty(garbage, async (input) => {
        const { status, body: answer } = await send(user, real, route, input)
        expect(status, JSON.stringify(answer)).toBeLessThan(500)
        if (status >= 400) expect(answer.errcode ?? answer.flows, route.spec.id).toBeDefined()
      })
      await fc.assert(property, { numRuns: RUNS })
    }
    expect(await client.get('/versions')).toHaveProperty('versions')
    expect((await settledHeap()) - before).toBeLessThan(MAX_GROWTH_BYTES)
    expect(server.services.serverName).toBe('example.org')
  })
})

async function settledHeap(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return process.memoryUsage().heapUsed
}
