import { expect, it } from 'vitest'
import { differencesOfAnswer } from './answers.ts'

const event = { event_id: '$a', type: 'm', sender: '@a:b', origin_server_ts: 1, content: {}, room_id: '!a' }
const messages = '/_matrix/client/v3/rooms/!a/messages?dir=b'

it('takes answers of the right form, whatever else they hold', () => {
  expect(differencesOfAnswer('GET', messages, 200, { start: 'a', chunk: [event], other: 1 })).toEqual([])
  expect(differencesOfAnswer('GET', '/somewhere/else', 200, {})).toEqual([])
})

it('names each field that is missing or of a wrong type, once', () => {
  const { sender: _, ...incomplete } = event
  const body = { start: 1, chunk: [incomplete, incomplete, { ...event, origin_server_ts: 1.5 }] }
  expect(differencesOfAnswer('GET', messages, 200, body)).toEqual([
    'GET /_matrix/client/v3/rooms/{roomId}/messages 200 start: should be string',
    'GET /_matrix/client/v3/rooms/{roomId}/messages 200 chunk[].sender: is missing',
    'GET /_matrix/client/v3/rooms/{roomId}/messages 200 chunk[].origin_server_ts: should be integer',
  ])
})

it('expects of every error that it says which', () => {
  expect(differencesOfAnswer('GET', messages, 403, { errcode: 'M_FORBIDDEN', error: 'No' })).toEqual([])
  expect(differencesOfAnswer('GET', messages, 403, { error: 'No' })).toHaveLength(1)
})

it('prefers the template with fewer parameters', () => {
  const rules = '/_matrix/client/v3/pushrules/'
  expect(differencesOfAnswer('GET', rules, 200, {})).toEqual([
    'GET /_matrix/client/v3/pushrules/ 200 global: is missing',
  ])
})
