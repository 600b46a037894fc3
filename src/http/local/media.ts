import { z } from 'zod'
import { invalidParam } from '../../matrix/errors.ts'
import { isServerName } from '../../matrix/ids.ts'
import { isMediaId, type MediaName } from '../../services/media/media-file.ts'
import { route } from '../route.ts'

const PATH = '/local/v1/media'
const ADDRESS = /^mxc:\/\/([^/]+)\/([^/]+)$/

/** `mxc://<server>/<id>`. */
const address = z.string().transform((text): MediaName => {
  const [, serverName = '', mediaId = ''] = ADDRESS.exec(text) ?? []
  if (!isServerName(serverName) || !isMediaId(mediaId)) throw invalidParam('An address is mxc://<server>/<id>')
  return { serverName, mediaId }
})

export const quarantineMedia = route(
  {
    id: 'local.quarantineMedia',
    method: 'POST',
    path: `${PATH}/quarantine`,
    auth: 'none',
    limit: 'none',
    body: z.object({ address }),
  },
  async ({ body }, { mediaCare }) => ({ changed: await mediaCare.quarantine(body.address) }),
)

export const releaseMedia = route(
  {
    id: 'local.releaseMedia',
    method: 'POST',
    path: `${PATH}/release`,
    auth: 'none',
    limit: 'none',
    body: z.object({ address }),
  },
  async ({ body }, { mediaCare }) => ({ changed: await mediaCare.release(body.address) }),
)

export const deleteMedia = route(
  {
    id: 'local.deleteMedia',
    method: 'POST',
    path: `${PATH}/delete`,
    auth: 'none',
    limit: 'none',
    body: z.object({ address }),
  },
  async ({ body }, { mediaCare }) => ({ ...(await mediaCare.delete(body.address)) }),
)

export const purgeMedia = route(
  {
    id: 'local.purgeMedia',
    method: 'POST',
    path: `${PATH}/purge`,
    auth: 'none',
    limit: 'none',
    body: z.object({ what: z.enum(['copies', 'uploads']), older_than_ms: z.int().min(0) }),
  },
  async ({ body: { what, older_than_ms: olderThanMs } }, { mediaCare }) => ({
    ...(what === 'copies' ? await mediaCare.purgeCopies(olderThanMs) : await mediaCare.purgeUploads(olderThanMs)),
  }),
)
