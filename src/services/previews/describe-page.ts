import type { Described } from './linked-data.ts'
import type { PageFacts } from './read-page.ts'

/** What a preview says, beside its picture, in the terms of Open Graph. */
export interface PageDescription {
  readonly properties: Readonly<Record<string, string>>
  /** As the page has it: it may be relative. */
  readonly imageUrl: string | undefined
}

const MAX_TITLE_LENGTH = 300
const MAX_VALUE_LENGTH = 1000
const MAX_PROPERTIES = 30
/** Of the picture we say ourselves what we found. */
const OPEN_GRAPH = /^og:(?!image\b)[a-z][a-z:_]{0,60}$/
/** What must not stand in a line of text: control characters, and what turns its direction for all that follows. */
const UNSAFE = /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

/** Open Graph first, then Twitter's cards, then what else is `said` (JSON-LD, oEmbed), then the page's own title and text. */
export function describePage(page: PageFacts, said: readonly Described[]): PageDescription {
  const { meta } = page
  const first = (key: keyof Described) => said.map((one) => one[key]).find((value) => value !== undefined)
  const title = meta.get('og:title') ?? meta.get('twitter:title') ?? first('title') ?? page.title ?? page.heading
  const description =
    meta.get('og:description') ??
    meta.get('twitter:description') ??
    first('description') ??
    meta.get('description') ??
    page.text
  const siteName = meta.get('og:site_name') ?? first('siteName')
  const others = [...meta].filter(([name]) => OPEN_GRAPH.test(name)).slice(0, MAX_PROPERTIES)
  const all: [string, string | undefined, number][] = [
    ...others.map(([name, value]): [string, string, number] => [name, value, MAX_VALUE_LENGTH]),
    ['og:title', title, MAX_TITLE_LENGTH],
    ['og:description', description, MAX_VALUE_LENGTH],
    ['og:site_name', siteName, MAX_TITLE_LENGTH],
  ]
  return {
    properties: Object.fromEntries(
      all.flatMap(([name, value, length]) => {
        const clean = value === undefined ? '' : cleanText(value, length)
        return clean === '' ? [] : [[name, clean]]
      }),
    ),
    imageUrl:
      meta.get('og:image:secure_url') ??
      meta.get('og:image') ??
      meta.get('og:image:url') ??
      meta.get('twitter:image') ??
      meta.get('twitter:image:src') ??
      first('imageUrl') ??
      page.imageUrl,
  }
}

function cleanText(text: string, maxLength: number): string {
  const line = text.toWellFormed().replace(/\s+/g, ' ').replace(UNSAFE, '').trim()
  return line.length <= maxLength
    ? line
    : `${line
        .slice(0, maxLength - 1)
        .toWellFormed()
        .replace(/\ufffd$/, '')}…`
}
