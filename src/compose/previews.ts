import type { Config } from '../config/schema.ts'
import type { Media } from '../services/media/media.ts'
import type { MediaCare } from '../services/media/media-care.ts'
import { LinkPolicy } from '../services/previews/link-policy.ts'
import { PreviewMaker } from '../services/previews/preview-maker.ts'
import { UrlPreviews } from '../services/previews/url-previews.ts'
import { WebReader } from '../services/previews/web-reader.ts'
import { HOUR_MS } from '../util/clock.ts'
import { version } from '../util/version.ts'
import type { Ground } from './ground.ts'
import { composeWebClient } from './outbound.ts'

/** Previews of links. */
export function composePreviews(
  config: Config,
  ground: Ground,
  { media, mediaCare }: { media: Media; mediaCare: MediaCare },
) {
  const { db, clock, log, lifetime, every } = ground
  const { enabled, allow, block, keep, languages, max_size: maxBytes } = config.media.previews
  const policy = new LinkPolicy(allow, block)
  const client = composeWebClient(config, ground)
  const reader = new WebReader({ client, policy, userAgent: `Bongsu/${version} (bot)`, languages, maxBytes })
  const maker = new PreviewMaker({
    reader,
    keepPicture: async (picture, contentType) => {
      const address = await media.keepPicture(picture, contentType)
      mediaCare.onCopied(picture.length)
      return address
    },
  })
  const urlPreviews = new UrlPreviews({
    db,
    clock,
    isEnabled: enabled,
    policy,
    maker,
    keepMs: keep,
    onFailure: (err) => log.debug({ err }, 'a link has no preview'),
  })
  lifetime.add(urlPreviews)
  every(HOUR_MS, 'forgetting previews of links', () => urlPreviews.expire())
  return { urlPreviews }
}
