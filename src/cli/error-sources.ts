import { readFileSync } from 'node:fs'
import { SourceMap } from 'node:module'
import { fileURLToPath } from 'node:url'

const KEPT_MS = 60_000
const PLACE = /(file:\/\/[^\s():]+\.js):(\d+):(\d+)/g

/**
 * Stack traces name our source, not the few files that the program was built into. What maps one to the other is read when
 * the first trace is asked for, and forgotten a minute later: Node's own support would hold 4 MiB of it from the start, and
 * some 40 MiB after the first error.
 *
 * @param built begin of the URLs of the files that have a map beside them
 */
export function nameSourcesInErrors(built: string): void {
  const maps = new Map<string, SourceMap | undefined>()

  const mapOf = (url: string): SourceMap | undefined => {
    if (!maps.has(url)) {
      maps.set(url, readMap(url))
      setTimeout(() => maps.delete(url), KEPT_MS).unref()
    }
    return maps.get(url)
  }

  const sourceOf = (place: string, url: string, line: string, column: string): string => {
    if (!url.startsWith(built)) return place
    const origin = mapOf(url)?.findOrigin(Number(line), Number(column))
    return origin && 'fileName' in origin
      ? `${new URL(origin.fileName, url).href}:${origin.lineNumber}:${origin.columnNumber}`
      : place
  }

  Error.prepareStackTrace = (error, frames) =>
    [
      Error.prototype.toString.call(error),
      ...frames.map((frame) => `    at ${String(frame).replace(PLACE, sourceOf)}`),
    ].join('\n')
}

function readMap(url: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(fileURLToPath(`${url}.map`), 'utf8')))
  } catch {
    return undefined // the trace then names the built file
  }
}
