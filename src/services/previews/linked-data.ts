import { isObject, type Json, type JsonObject } from '../../matrix/json.ts'

/** What somebody says about a page beside Open Graph. */
export interface Described {
  readonly title?: string | undefined
  readonly description?: string | undefined
  readonly siteName?: string | undefined
  readonly imageUrl?: string | undefined
}

const MAX_ITEMS = 50
/** Items that are about the site, or the way through it, and not about the page. */
const ABOUT_THE_SITE = new Set(['BreadcrumbList', 'Organization', 'SearchAction', 'WebSite', 'Person', 'ItemList'])

/** The article, product or film of a page's JSON-LD (schema.org); `undefined` where it names none. */
export function describedByLinkedData(text: string): Described | undefined {
  const item = itemsOf(parsed(text)).find(isAboutThePage)
  if (item === undefined) return undefined
  return {
    title: textOf(item.headline) ?? textOf(item.name),
    description: textOf(item.description),
    siteName: isObject(item.publisher) ? textOf(item.publisher.name) : undefined,
    imageUrl: imageOf(item.image) ?? imageOf(item.thumbnailUrl),
  }
}

/** What an oEmbed provider answers (oembed.com, 2.3.4). Its HTML is of no use to Matrix clients. */
export function describedByOembed(text: string): Described | undefined {
  const answer = parsed(text)
  if (!isObject(answer)) return undefined
  return {
    title: textOf(answer.title),
    description: textOf(answer.author_name),
    siteName: textOf(answer.provider_name),
    imageUrl: (answer.type === 'photo' ? textOf(answer.url) : undefined) ?? textOf(answer.thumbnail_url),
  }
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined // a page may hold anything
  }
}

function itemsOf(value: Json | undefined): JsonObject[] {
  const list = Array.isArray(value)
    ? value
    : isObject(value) && Array.isArray(value['@graph'])
      ? value['@graph']
      : [value]
  return list.slice(0, MAX_ITEMS).filter((item) => isObject(item))
}

function isAboutThePage({ '@type': type, headline, name }: JsonObject): boolean {
  const types = Array.isArray(type) ? type : [type]
  if (types.some((one) => typeof one === 'string' && ABOUT_THE_SITE.has(one))) return false
  return textOf(headline) !== undefined || textOf(name) !== undefined
}

function imageOf(value: Json | undefined): string | undefined {
  const first = Array.isArray(value) ? value[0] : value
  return isObject(first) ? (textOf(first.url) ?? textOf(first.contentUrl)) : textOf(first)
}

const textOf = (value: Json | undefined): string | undefined =>
  typeof value === 'string' && value.trim() !== '' ? value : undefined
