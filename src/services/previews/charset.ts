import iconv from 'iconv-lite'

/** Where a page says how it is written, it does so early (HTML: the first 1024 bytes). */
const SNIFFED_BYTES = 4096
const META_CHARSET = /<meta\b[^>]{0,300}?\bcharset\s*=\s*["']?\s*([\w.:-]{1,40})/i

/** Names that Korean pages use and iconv-lite does not know: Unified Hangul Code, the superset of EUC-KR. */
const ALIASES: Readonly<Record<string, string>> = { uhc: 'cp949', 'x-windows-949': 'cp949', ms949: 'cp949' }

const BYTE_ORDER_MARKS: readonly (readonly [Buffer, string])[] = [
  [Buffer.from([0xef, 0xbb, 0xbf]), 'utf-8'],
  [Buffer.from([0xfe, 0xff]), 'utf-16be'],
  [Buffer.from([0xff, 0xfe]), 'utf-16le'],
]

/**
 * How a page is written, in the order of HTML (encoding sniffing algorithm): its byte order mark, what HTTP says, what it
 * says itself. Of a page that says nothing, what fits: UTF-8, CP949, or else windows-1252, which fits always.
 */
export function charsetOf(body: Buffer, declared: string | undefined): string {
  const marked = BYTE_ORDER_MARKS.find(([mark]) => body.subarray(0, mark.length).equals(mark))
  if (marked) return marked[1]
  const said = known(declared) ?? known(META_CHARSET.exec(body.toString('latin1', 0, SNIFFED_BYTES))?.[1])
  if (said === undefined) return ['utf-8', 'cp949'].find((name) => fits(body, name)) ?? 'windows-1252'
  // A page that could be read up to this word is not in UTF-16.
  return declared === undefined && said.startsWith('utf-16') ? 'utf-8' : said
}

/** Turns bytes into text, piece by piece. */
export const decoderFor = (charset: string) => iconv.getDecoder(charset)

function known(name: string | undefined): string | undefined {
  if (name === undefined) return undefined
  const lower = name.toLowerCase()
  const usual = Object.hasOwn(ALIASES, lower) ? (ALIASES[lower] ?? lower) : lower
  return iconv.encodingExists(usual) ? usual : undefined
}

/** A character cut off by the end does no harm. */
const fits = (body: Buffer, charset: string): boolean =>
  !iconv
    .getDecoder(charset)
    .write(body.subarray(0, SNIFFED_BYTES * 16))
    .includes('\ufffd')
