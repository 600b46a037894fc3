import { type Handler, Parser } from 'htmlparser2'
import { Turn } from '../../util/turn.ts'
import { charsetOf, decoderFor } from './charset.ts'

/** What a page says about itself, as it stands there. */
export interface PageFacts {
  /** `og:title`, `twitter:image`, `description` … of several with the same name the first. Names in lower case. */
  readonly meta: ReadonlyMap<string, string>
  readonly title: string | undefined
  readonly heading: string | undefined
  /** How its text begins. */
  readonly text: string | undefined
  /** Texts of JSON-LD, unparsed. */
  readonly linkedData: readonly string[]
  /** Of the JSON that oEmbed has about it. */
  readonly oembedUrl: string | undefined
  readonly imageUrl: string | undefined
  /** What relative addresses start from. */
  readonly baseUrl: string | undefined
}

/** Pages say what they are about at their beginning. */
const MAX_BYTES = 1024 * 1024
const PIECE_BYTES = 32 * 1024
/** Elements within each other: the parser looks through all of them at each end tag. */
const MAX_DEPTH = 256
const MAX_META = 200
const MAX_VALUE_LENGTH = 4000
const MAX_LINKED = 5
const MAX_LINKED_LENGTH = 64 * 1024
const MAX_TEXT_LENGTH = 1000
const NOT_CONTENT = new Set(['script', 'style', 'noscript', 'template', 'nav', 'header', 'footer', 'aside', 'form'])

/** Reads a page without building a tree of it: what a hostile one costs is bounded by its first megabyte. */
export async function readPage(body: Buffer, declaredCharset: string | undefined): Promise<PageFacts> {
  const page = body.subarray(0, MAX_BYTES)
  const decoder = decoderFor(charsetOf(page, declaredCharset))
  const reader = new PageReader()
  const parser = new Parser(reader, { decodeEntities: true })
  const turn = new Turn()
  for (let start = 0; start < page.length && !reader.isTooDeep; start += PIECE_BYTES) {
    parser.write(decoder.write(page.subarray(start, start + PIECE_BYTES)))
    if (turn.isOver) await turn.give()
  }
  if (!reader.isTooDeep) parser.end()
  return reader.facts()
}

type Collected = 'title' | 'heading' | 'text' | 'linked'

class PageReader implements Partial<Handler> {
  isTooDeep = false
  readonly #meta = new Map<string, string>()
  readonly #texts: Record<Collected, string> = { title: '', heading: '', text: '', linked: '' }
  readonly #linkedData: string[] = []
  #oembedUrl: string | undefined
  #imageUrl: string | undefined
  #baseUrl: string | undefined
  #depth = 0
  /** Open elements whose text is no content. */
  #hidden = 0
  /** The element whose text is being collected. */
  #open: { readonly name: string; readonly as: Collected } | undefined

  onopentag(name: string, attributes: Readonly<Record<string, string>>): void {
    this.isTooDeep ||= ++this.#depth > MAX_DEPTH
    if (NOT_CONTENT.has(name)) this.#hidden++
    if (name === 'meta') this.#onMeta(attributes)
    else if (name === 'link') this.#onLink(attributes)
    else if (name === 'base') this.#baseUrl ??= attributes.href
    else if (name === 'br') this.ontext(' ')
    else this.#open ??= this.#collected(name, attributes)
  }

  ontext(text: string): void {
    if (this.#open === undefined) return
    const { as } = this.#open
    const max = as === 'linked' ? MAX_LINKED_LENGTH + 1 : MAX_TEXT_LENGTH
    this.#texts[as] += text.slice(0, max - this.#texts[as].length)
  }

  onclosetag(name: string): void {
    this.#depth--
    if (NOT_CONTENT.has(name)) this.#hidden--
    if (this.#open?.name !== name) return
    const { as } = this.#open
    this.#open = undefined
    if (as === 'text') this.#texts.text += ' '
    if (as !== 'linked') return
    const { linked } = this.#texts
    if (linked.length <= MAX_LINKED_LENGTH && this.#linkedData.length < MAX_LINKED) this.#linkedData.push(linked)
    this.#texts.linked = ''
  }

  facts(): PageFacts {
    const { title, heading, text } = this.#texts
    return {
      meta: this.#meta,
      title: title.trim() || undefined,
      heading: heading.trim() || undefined,
      text: text.trim() || undefined,
      linkedData: this.#linkedData,
      oembedUrl: this.#oembedUrl,
      imageUrl: this.#imageUrl,
      baseUrl: this.#baseUrl,
    }
  }

  #collected(name: string, { type }: Readonly<Record<string, string>>): { name: string; as: Collected } | undefined {
    if (name === 'script' && type?.trim().toLowerCase() === 'application/ld+json') return { name, as: 'linked' }
    if (this.#hidden > 0) return undefined
    if (name === 'title' && this.#texts.title === '') return { name, as: 'title' }
    if (name === 'h1' && this.#texts.heading === '') return { name, as: 'heading' }
    return name === 'p' && this.#texts.text.length < MAX_TEXT_LENGTH ? { name, as: 'text' } : undefined
  }

  #onMeta({ property, name, itemprop, content }: Readonly<Record<string, string>>): void {
    const key = (property ?? name ?? itemprop)?.trim().toLowerCase()
    if (key === undefined || content === undefined || this.#meta.size >= MAX_META || this.#meta.has(key)) return
    if (content.trim() !== '') this.#meta.set(key.slice(0, MAX_VALUE_LENGTH), content.slice(0, MAX_VALUE_LENGTH))
  }

  #onLink({ rel, type, href }: Readonly<Record<string, string>>): void {
    const relation = rel?.toLowerCase().split(/\s+/) ?? []
    if (relation.includes('image_src')) this.#imageUrl ??= href
    if (relation.includes('alternate') && type?.toLowerCase() === 'application/json+oembed') this.#oembedUrl ??= href
  }
}
