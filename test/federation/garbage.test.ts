import { pino } from 'pino'
import { expect, it } from 'vitest'
import { federationRoutes } from '../../src/http/routes.ts'
import { parseJson } from '../../src/matrix/parse-json.ts'
import { FakeServer } from '../support/fake-server.ts'
import { World } from '../support/servers.ts'

/** What may stand in a path or a query. */
const WORDS = ['x', '!room:one.test', '$event', '@alice:one.test', '%00', '..', '%F0%9F%94%A5', 'a'.repeat(300)]
const BODIES = [
  '{}',
  '[]',
  'null',
  '{"pdus":{},"edus":5}',
  '{"pdus":[null,5,{"type":7},{"room_id":"!r:one.test"}],"edus":[null,{"edu_type":1}]}',
  '{"event":{"type":"m.room.member"},"room_version":"11","invite_room_state":"x"}',
  '{"type":"m.room.member","state_key":"@x:odd.test","sender":"@x:odd.test","room_id":"!r:one.test","content":{"membership":"join"}}',
  '{"earliest_events":[1],"latest_events":{"a":1},"limit":-1,"min_depth":1e400}',
  '{"server_keys":{"__proto__":{},"constructor":5,"":{"x":{"minimum_valid_until_ts":"y"}}}}',
  `{"a":${'['.repeat(2000)}${']'.repeat(2000)}}`,
  '{"one_time_keys":[],"device_keys":null}',
  '{"a":1.5,"b":123456789012345678901234567890,"c":-0}',
]

it('is refused by every route, without an error of the server', async () => {
  const world = await World.create()
  const errors: string[] = []
  const log = pino({ level: 'error' }, { write: (line) => errors.push(line) })
  const one = await world.start('one.test', {}, { log })
  await one.client.register('alice')
  const odd = await FakeServer.start(world, 'odd.test')
  const failed: string[] = []
  for (const { spec } of federationRoutes) {
    if (spec.method === 'DELETE') continue
    for (const path of [spec.path].flat()) {
      for (const [index, word] of WORDS.entries()) {
        const query = ['', `?${word}`, '?v=x&limit=x', '?user_id=5&ver=x&event_id=&room_alias=x&ts=x&dir=x'][index % 4]
        const uri = path.replaceAll(/:\w+/g, word) + query
        const bodies = spec.method === 'GET' ? [undefined] : BODIES
        for (const body of bodies) {
          // What cannot be signed is sent all the same.
          const content = body === undefined ? undefined : parseJson(body)
          const { status } = await odd.ask(one, spec.method, uri, { content, ...(body !== undefined && { body }) })
          if (status >= 500) failed.push(`${status} ${spec.method} ${uri} ${body}`)
        }
      }
    }
  }
  expect(failed).toEqual([])
  expect(errors).toEqual([])
}, 60_000)
