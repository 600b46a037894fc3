import iconv from 'iconv-lite'
import { expect, it } from 'vitest'
import { describePage } from '../../../src/services/previews/describe-page.ts'
import { describedByLinkedData, describedByOembed } from '../../../src/services/previews/linked-data.ts'
import { readPage } from '../../../src/services/previews/read-page.ts'

const titleOf = async (body: Buffer, charset?: string) => (await readPage(body, charset)).title

it.each([
  ['what HTTP says', 'cp949', '<title>뷁 예산안</title>', 'euc-kr'],
  ['what HTTP says, by the name of Windows', 'cp949', '<title>뷁 예산안</title>', 'MS949'],
  ['what the page says', 'cp949', '<meta charset=ks_c_5601-1987><title>똠방각하</title>', undefined],
  [
    'what the page says in the old way',
    'cp949',
    '<meta http-equiv="Content-Type" content="text/html; charset=euc-kr"><title>펲시</title>',
    undefined,
  ],
  ['nothing, where it is UTF-8', 'utf-8', '<title>봉수</title>', undefined],
  ['nothing, where it is CP949', 'cp949', '<title>봉수와 똠방각하</title>', undefined],
  ['a name that nobody knows', 'utf-8', '<title>봉수</title>', 'klingon'],
  ['UTF-16, which could not have been read so far', 'utf-8', '<meta charset="utf-16le"><title>봉수</title>', undefined],
  ['a byte order mark, against HTTP', 'utf-16le', '\ufeff<title>봉수</title>', 'euc-kr'],
])('reads a page by %s', async (_what, charset, html, declared) => {
  const body = charset === 'utf-16le' ? Buffer.from(html, 'utf16le') : iconv.encode(html, charset)
  expect(await titleOf(body, declared)).toBe(/<title>(.*)<\/title>/.exec(html)?.[1])
})

const preview = async (html: string) => {
  const page = await readPage(Buffer.from(html), 'utf-8')
  return describePage(
    page,
    page.linkedData.map(describedByLinkedData).filter((one) => one !== undefined),
  )
}

it('prefers Open Graph, keeps its other properties, and the first of several', async () => {
  const html = `<title>t</title><meta name="twitter:title" content="card"><meta property="OG:Title" content="one &amp; only">
    <meta property="og:title" content="second"><meta property="og:video:duration" content="7"><meta name=description content=d>
    <meta property="og:image" content="/a.png"><meta property="og:image:width" content="1">`
  expect(await preview(html)).toEqual({
    properties: { 'og:title': 'one & only', 'og:video:duration': '7', 'og:description': 'd' },
    imageUrl: '/a.png',
  })
})

it("falls back on Twitter's cards, JSON-LD, and what the page itself has", async () => {
  const card = '<meta name="twitter:title" content="card"><meta name="twitter:image:src" content="c.png">'
  expect(await preview(card)).toEqual({ properties: { 'og:title': 'card' }, imageUrl: 'c.png' })
  const linked = `<script type="application/ld+json">{"@graph":[{"@type":"WebSite","name":"the site"},
    {"@type":"NewsArticle","headline":"news","description":"of today","image":[{"url":"n.jpg"}],"publisher":{"name":"Daily"}}]}</script>`
  expect(await preview(linked)).toEqual({
    properties: { 'og:title': 'news', 'og:description': 'of today', 'og:site_name': 'Daily' },
    imageUrl: 'n.jpg',
  })
  const plain = `<link rel="image_src" href="i.png"><script>var p = "<p>no</p>"</script><nav><p>menu</p></nav>
    <h1>Heading<br>goes on</h1><p>One  <b>bold</b>\n line.<br>Another.</p><p>Two.</p>`
  expect(await preview(plain)).toEqual({
    properties: { 'og:title': 'Heading goes on', 'og:description': 'One bold line. Another. Two.' },
    imageUrl: 'i.png',
  })
})

it('reads what oEmbed answers', () => {
  expect(describedByOembed('{"type":"photo","url":"p.png","title":"t","provider_name":"s","author_name":"a"}')).toEqual(
    {
      title: 't',
      description: 'a',
      siteName: 's',
      imageUrl: 'p.png',
    },
  )
  for (const text of ['', '[]', 'null', '{"title":7}']) expect(describedByOembed(text)?.title).toBeUndefined()
})

it('takes nothing from JSON-LD that is no text, and no JSON', () => {
  for (const text of ['', '{', '[[[]]]', '{"name":{}}', '{"@graph":5}', `${'['.repeat(5000)}`]) {
    expect(describedByLinkedData(text)).toBeUndefined()
  }
})

it('bounds and cleans what it says', async () => {
  const html = `<meta property="og:title" content="${'가'.repeat(5000)}"><meta name="description" content="a\u202eb\u0007\n c">
    ${Array.from({ length: 500 }, (_, i) => `<meta property="og:x${'y'.repeat(i % 40)}" content="${'v'.repeat(9000)}">`).join('')}`
  const { properties } = await preview(html)
  expect(properties['og:title']).toHaveLength(300)
  expect(properties['og:description']).toBe('ab c')
  expect(JSON.stringify(properties).length).toBeLessThan(40_000)
})

it.each([
  ['nested without end', '<div>'.repeat(200_000)],
  ['of end tags alone', '</p></br></x>'.repeat(80_000)],
  ['of one tag with many attributes', `<meta ${Array.from({ length: 100_000 }, (_, i) => `a${i}=b`).join(' ')}>`],
  ['that never closes a comment', `<!--${'<!--'.repeat(250_000)}`],
  ['of entities', `<p>${'&amp'.repeat(250_000)}`],
  ['of open JSON-LD', '<script type="application/ld+json">['.repeat(25_000)],
])('is soon through with a page %s', async (_what, html) => {
  const started = performance.now()
  await readPage(Buffer.from(`<title>first</title>${html}`), 'utf-8')
  expect(performance.now() - started).toBeLessThan(1000)
})
