import { z } from 'zod'
import type { Services } from '../../compose/services.ts'
import { firstParam, intParam } from '../query.ts'
import { jsonText, type RouteInput, route } from '../route.ts'

const query = z.object({ url: firstParam, ts: intParam.optional() })

type Input = Pick<RouteInput<'user', unknown, z.output<typeof query>, unknown>, 'requester' | 'query'>

const answer = async ({ requester, query: { url, ts } }: Input, { urlPreviews }: Services) =>
  jsonText(await urlPreviews.of(url, requester.userId, ts))

export const getUrlPreviewAuthed = route(
  {
    id: 'client.getUrlPreviewAuthed',
    method: 'GET',
    path: '/_matrix/client/v1/media/preview_url',
    auth: 'user',
    query,
    limit: 'preview',
  },
  answer,
)

export const getUrlPreview = route(
  {
    id: 'client.getUrlPreview',
    method: 'GET',
    path: ['v3', 'r0', 'v1'].map((version) => `/_matrix/media/${version}/preview_url`),
    auth: 'user',
    query,
    limit: 'preview',
  },
  answer,
)
