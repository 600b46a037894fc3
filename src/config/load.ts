import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { LineCounter, parseDocument } from 'yaml'
import { resolveFiles } from './files.ts'
import { ConfigMistakes, mistakesOf } from './mistakes.ts'
import { type Config, configSchema } from './schema.ts'

/** Reads a configuration file; throws `ConfigMistakes` with everything that is wrong with it. */
export const loadConfig = (file: string): Config => parseConfig(readFileSync(file, 'utf8'), resolve(file))

/** The same for text; `file` is where it would be: relative file names start at its directory. */
export function parseConfig(text: string, file: string): Config {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  if (document.errors.length > 0) {
    const mistakes = document.errors.map(({ message, pos }) => ({ line: lines.linePos(pos[0]).line, message }))
    throw new ConfigMistakes(file, mistakes)
  }
  const directory = dirname(file)
  const given = resolveFiles(document.toJS() ?? {}, directory)
  const result = configSchema.safeParse(given, { reportInput: true })
  if (!result.success) {
    throw new ConfigMistakes(file, mistakesOf(result.error.issues, configSchema, document, lines))
  }
  return resolveFiles(result.data, directory) as Config // once more, for the defaults
}
