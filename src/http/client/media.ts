import type { IncomingHttpHeaders } from 'node:http'
import { z } from 'zod'
import type { Services } from '../../compose/services.ts'
import type { Asking } from '../../services/media/downloads.ts'
import { cleanFilename } from '../../services/media/filename.ts'
import type { Upload } from '../../services/media/media.ts'
import type { ThumbnailWish } from '../../services/media/thumbnail-size.ts'
import { arrivingReply, fileReply } from '../media/file-reply.ts'
import { thumbnailWish, waiting } from '../media/input.ts'
import { servedFile, servedPicture } from '../media/served.ts'
import { boolParam, firstParam } from '../query.ts'
import { type Requester, type RouteInput, route } from '../route.ts'

const old = (path: string) => ['v3', 'r0', 'v1'].map((version) => `/_matrix/media/${version}${path}`)
const uploadQuery = z.object({ filename: firstParam.optional() })
const mediaName = z.object({ serverName: z.string(), mediaId: z.string() })
const namedMedia = mediaName.extend({ fileName: z.string() })
const thumbnailQuery = waiting.extend(thumbnailWish)
const stranger = { allow_remote: boolParam.default(true) }

export const uploadContent = route(
  {
    id: 'client.uploadContent',
    method: 'POST',
    path: old('/upload'),
    auth: 'user',
    query: uploadQuery,
  },
  async (input, { media, mediaLimits }) => ({
    content_uri: await media.upload(input.requester.userNid, uploadOf(input, mediaLimits.maxUploadBytes)),
  }),
)

export const createContent = route(
  { id: 'client.createContent', method: 'POST', path: '/_matrix/media/v1/create', auth: 'user' },
  async ({ requester }, { media }) => {
    const { address, expiresTs } = await media.announce(requester.userNid)
    return { content_uri: address, unused_expires_at: expiresTs }
  },
)

export const uploadContentToMXC = route(
  {
    id: 'client.uploadContentToMXC',
    method: 'PUT',
    path: '/_matrix/media/v3/upload/:serverName/:mediaId',
    auth: 'user',
    params: mediaName,
    query: uploadQuery,
  },
  async (input, { media, mediaLimits }) => {
    await media.fill(input.requester.userNid, input.params, uploadOf(input, mediaLimits.maxUploadBytes))
    return {}
  },
)

export const getConfigAuthed = route(
  { id: 'client.getConfigAuthed', method: 'GET', path: '/_matrix/client/v1/media/config', auth: 'guest' },
  async (_, { mediaLimits }) => ({ 'm.upload.size': mediaLimits.maxUploadBytes }),
)

export const getConfig = route(
  { id: 'client.getConfig', method: 'GET', path: old('/config'), auth: 'guest' },
  async (_, { mediaLimits }) => ({ 'm.upload.size': mediaLimits.maxUploadBytes }),
)

export const getContentAuthed = route(
  {
    id: 'client.getContentAuthed',
    method: 'GET',
    path: '/_matrix/client/v1/media/download/:serverName/:mediaId',
    auth: 'guest',
    params: mediaName,
    query: waiting,
  },
  (input, services) => download(input, services),
)

export const getContentOverrideNameAuthed = route(
  {
    id: 'client.getContentOverrideNameAuthed',
    method: 'GET',
    path: '/_matrix/client/v1/media/download/:serverName/:mediaId/:fileName',
    auth: 'guest',
    params: namedMedia,
    query: waiting,
  },
  (input, services) => download(input, services, input.params.fileName),
)

export const getContent = route(
  {
    id: 'client.getContent',
    method: 'GET',
    path: old('/download/:serverName/:mediaId'),
    auth: 'none',
    params: mediaName,
    query: waiting.extend(stranger),
  },
  (input, services) => download(input, services),
)

export const getContentOverrideName = route(
  {
    id: 'client.getContentOverrideName',
    method: 'GET',
    path: old('/download/:serverName/:mediaId/:fileName'),
    auth: 'none',
    params: namedMedia,
    query: waiting.extend(stranger),
  },
  (input, services) => download(input, services, input.params.fileName),
)

export const getContentThumbnailAuthed = route(
  {
    id: 'client.getContentThumbnailAuthed',
    method: 'GET',
    path: '/_matrix/client/v1/media/thumbnail/:serverName/:mediaId',
    auth: 'guest',
    params: mediaName,
    query: thumbnailQuery,
  },
  (input, services) => thumbnail(input, services),
)

export const getContentThumbnail = route(
  {
    id: 'client.getContentThumbnail',
    method: 'GET',
    path: old('/thumbnail/:serverName/:mediaId'),
    auth: 'none',
    params: mediaName,
    query: thumbnailQuery.extend(stranger),
  },
  (input, services) => thumbnail(input, services),
)

interface Download {
  readonly params: z.output<typeof mediaName>
  readonly query: z.output<typeof waiting> & { readonly allow_remote?: boolean }
  readonly headers: IncomingHttpHeaders
  readonly signal: AbortSignal
  readonly requester: Requester | undefined
  readonly ip: string
}

/** Only the old paths have `allow_remote`, and only they serve strangers. */
const askingOf = ({ query, signal, requester, ip }: Download): Asking => ({
  waitMs: query.timeout_ms,
  who: requester?.userId ?? ip,
  signal,
  isStranger: query.allow_remote !== undefined,
  mayFetch: query.allow_remote ?? true,
})

async function download(input: Download, { downloads, mediaFiles }: Services, fileName?: string) {
  const file = await downloads.find(input.params, askingOf(input))
  const filename = cleanFilename(fileName) ?? file.filename
  if (!('hash' in file)) return arrivingReply({ ...file, filename })
  return fileReply(servedFile(mediaFiles, { ...file, filename }), input.headers)
}

async function thumbnail(input: Download & { query: ThumbnailWish }, services: Services) {
  const { downloads, mediaFiles } = services
  const found = await downloads.findPicture(input.params, input.query, askingOf(input))
  return fileReply(servedPicture(mediaFiles, found), input.headers)
}

type Uploading = Pick<
  RouteInput<'user', unknown, z.output<typeof uploadQuery>, unknown>,
  'headers' | 'query' | 'stream'
>

const uploadOf = (input: Uploading, maxBytes: number): Upload => ({
  contentType: input.headers['content-type'],
  filename: input.query.filename,
  content: input.stream(maxBytes),
})
