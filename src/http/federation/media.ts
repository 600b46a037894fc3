import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { thumbnailWish, waiting } from '../media/input.ts'
import { multipartReply } from '../media/multipart-reply.ts'
import { servedFile, thumbnailOf } from '../media/served.ts'
import { route } from '../route.ts'

const mediaId = z.object({ mediaId: z.string() })

/** Other servers get what our users uploaded; what is of a third server they ask that one for. */
export const getContent = route(
  {
    id: 'server.getContent',
    method: 'GET',
    path: '/_matrix/federation/v1/media/download/:mediaId',
    auth: 'federation',
    params: mediaId,
    query: waiting,
  },
  async ({ params, query, signal }, { serverName, media, mediaFiles }) => {
    const file = await media.find({ serverName, mediaId: params.mediaId }, query.timeout_ms, signal)
    return multipartReply(servedFile(mediaFiles, file), randomUUID())
  },
)

export const getContentThumbnail = route(
  {
    id: 'server.getContentThumbnail',
    method: 'GET',
    path: '/_matrix/federation/v1/media/thumbnail/:mediaId',
    auth: 'federation',
    params: mediaId,
    query: waiting.extend(thumbnailWish),
  },
  async ({ requester, params, query, signal }, services) => {
    const { serverName, media } = services
    const file = await media.find({ serverName, mediaId: params.mediaId }, query.timeout_ms, signal)
    return multipartReply(await thumbnailOf(file, query, requester.server, services), randomUUID())
  },
)
