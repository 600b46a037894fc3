import { resolve } from 'node:path'

/** Keys that name files: `path`, and whatever ends in `_file` or `_directory`. */
const NAMES_A_FILE = /^path$|_(?:file|directory)$/

/** A copy in which relative file names start at `directory`, the place of the configuration, wherever the server runs. */
export function resolveFiles(value: unknown, directory: string): unknown {
  if (Array.isArray(value)) return value.map((item) => resolveFiles(item, directory))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      typeof item === 'string' && NAMES_A_FILE.test(key) ? resolve(directory, item) : resolveFiles(item, directory),
    ]),
  )
}
