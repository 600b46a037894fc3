import type { IncomingHttpHeaders } from 'node:http'
import { Readable } from 'node:stream'
import { z } from 'zod'
import { notFound } from '../../matrix/errors.ts'
import type { Services } from '../../server.ts'
import { cleanFilename } from '../../services/media/filename.ts'
import type { MediaFile, Upload } from '../../services/media/media.ts'
import { fileReply } from '../media/file-reply.ts'
import type { ByteRange } from '../media/range.ts'
import { boolParam, firstParam, intParam } from '../query.ts'
import { type RouteInput, route } from '../route.ts'

/** How long a download waits for a file that is announced and not there yet, unless the client says otherwise. */
const DEFAULT_WAIT_MS = 20_000
const MAX_WAIT_MS = 60_000

const old = (path: string) => ['v3', 'r0', 'v1'].map((version) => `/_matrix/media/${version}${path}`)
const uploadQuery = z.object({ filename: firstParam.optional() })
const mediaName = z.object({ serverName: z.string(), mediaId: z.string() })
const namedMedia = mediaName.extend({ fileName: z.string() })
const pixels = intParam.pipe(z.int().min(1))
const waiting = z.object({
  timeout_ms: intParam.default(DEFAULT_WAIT_MS).transform((ms) => Math.max(0, Math.min(ms, MAX_WAIT_MS))),
})

const thumbnailQuery = waiting.extend({
  width: pixels,
  height: pixels,
  method: z.enum(['crop', 'scale']).default('scale'),
  animated: boolParam.default(false),
})

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
    query: waiting,
  },
  async (input, services) => {
    requireLegacy(services)
    return download(input, services)
  },
)

export const getContentOverrideName = route(
  {
    id: 'client.getContentOverrideName',
    method: 'GET',
    path: old('/download/:serverName/:mediaId/:fileName'),
    auth: 'none',
    params: namedMedia,
    query: waiting,
  },
  async (input, services) => {
    requireLegacy(services)
    return download(input, services, input.params.fileName)
  },
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
    query: thumbnailQuery,
  },
  async (input, services) => {
    requireLegacy(services)
    return thumbnail(input, services)
  },
)

type Download = Pick<
  RouteInput<'none', z.output<typeof mediaName>, z.output<typeof waiting>, unknown>,
  'params' | 'query' | 'headers' | 'signal'
>

/** Anybody may ask on the old paths, so the configuration must say that they are served at all. */
function requireLegacy({ mediaLimits }: Services): void {
  if (mediaLimits.legacyDownloads) return
  throw notFound('Files are only served to users, at /_matrix/client/v1/media')
}

async function download({ params, query, headers, signal }: Download, services: Services, fileName?: string) {
  const file = await services.media.find(params, query.timeout_ms, signal)
  return storedFileReply(file, headers, services, cleanFilename(fileName))
}

type ThumbnailInput = Download & { readonly query: z.output<typeof thumbnailQuery> }

async function thumbnail({ params, query, headers, signal }: ThumbnailInput, services: Services) {
  const file = await services.media.find(params, query.timeout_ms, signal)
  const made = await services.thumbnails.of(file, query)
  if (made === undefined) return storedFileReply(file, headers, services)
  const { name, content, contentType } = made
  const read = ({ start, end }: ByteRange = { start: 0, end: content.length - 1 }) =>
    Readable.from([content.subarray(start, end + 1)])
  return fileReply(
    { tag: `${file.hash}-${name}`, bytes: content.length, contentType, filename: undefined, read },
    headers,
  )
}

function storedFileReply(file: MediaFile, headers: IncomingHttpHeaders, { mediaFiles }: Services, filename?: string) {
  const { hash, bytes, contentType } = file
  const read = (range?: ByteRange) => mediaFiles.read(hash, range)
  return fileReply({ tag: hash, bytes, contentType, filename: filename ?? file.filename, read }, headers)
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
