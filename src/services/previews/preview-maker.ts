import type { JsonObject } from '../../matrix/json.ts'
import { measureImage } from '../media/measure-image.ts'
import { describePage } from './describe-page.ts'
import { type Described, describedByLinkedData, describedByOembed } from './linked-data.ts'
import type { PageFacts } from './read-page.ts'
import type { WebReader } from './web-reader.ts'

interface Deps {
  readonly reader: WebReader
  /** Keeps a picture and returns its `mxc://` address. */
  keepPicture(picture: Buffer, contentType: string): Promise<string>
}

const PAGE_TYPES = new Set(['text/html', 'application/xhtml+xml'])
const ACCEPT_PAGE = 'text/html, application/xhtml+xml;q=0.9, image/*;q=0.8, */*;q=0.1'
const ACCEPT_IMAGE = 'image/webp, image/png, image/jpeg, image/gif, image/avif;q=0.9, */*;q=0.1'
const ACCEPT_OEMBED = 'application/json'

/** Makes a preview of a link: what its page says about itself, and one picture, which becomes a file of this server. */
export class PreviewMaker {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /**
   * `{ 'og:title', 'og:description', 'og:image', 'matrix:image:size' … }` (spec: getUrlPreviewAuthed); empty for what is
   * neither a page nor a picture. Rejects where the link cannot be read.
   */
  async make(link: URL, signal: AbortSignal): Promise<JsonObject> {
    const { url, type, charset, body } = await this.#deps.reader.read(link, ACCEPT_PAGE, signal)
    if (type.startsWith('image/')) return this.#picture(body)
    if (!PAGE_TYPES.has(type)) return {}
    // The parser comes with the first page: most servers make no previews, and start the sooner.
    const { readPage } = await import('./read-page.ts')
    const page = await readPage(body, charset)
    const base = URL.parse(page.baseUrl ?? '', url.href) ?? url
    const { properties, imageUrl } = describePage(page, await this.#said(page, base, signal))
    const image = imageUrl === undefined ? null : URL.parse(imageUrl, base.href)
    return { ...properties, ...(image && (await this.#fetchPicture(image, signal))) }
  }

  /** oEmbed is one more request: only where the page itself leaves something out. */
  async #said(page: PageFacts, base: URL, signal: AbortSignal): Promise<Described[]> {
    const said = page.linkedData.map(describedByLinkedData).filter((one) => one !== undefined)
    const { properties, imageUrl } = describePage({ ...page, title: undefined, heading: undefined }, said)
    if (properties['og:title'] !== undefined && imageUrl !== undefined) return said
    const url = page.oembedUrl === undefined ? null : URL.parse(page.oembedUrl, base.href)
    if (url === null) return said
    const answer = await this.#deps.reader.read(url, ACCEPT_OEMBED, signal).catch(() => undefined) // does without
    const embedded = answer && describedByOembed(answer.body.toString())
    return embedded ? [...said, embedded] : said
  }

  /** A preview without its picture is still one. */
  async #fetchPicture(url: URL, signal: AbortSignal): Promise<JsonObject> {
    try {
      return await this.#picture((await this.#deps.reader.read(url, ACCEPT_IMAGE, signal)).body)
    } catch {
      return {}
    }
  }

  async #picture(body: Buffer): Promise<JsonObject> {
    const facts = await measureImage(body)
    if (facts === undefined) return {}
    return {
      'og:image': await this.#deps.keepPicture(body, facts.contentType),
      'og:image:type': facts.contentType,
      'og:image:width': facts.width,
      'og:image:height': facts.height,
      'matrix:image:size': body.length,
    }
  }
}
