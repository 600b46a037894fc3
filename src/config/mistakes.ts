import { type Document, isMap, isNode, isScalar, type LineCounter } from 'yaml'
import type { z } from 'zod'
import { nearest } from './nearest.ts'
import { schemaAt, shapeOf } from './shape.ts'

export interface Mistake {
  /** Counted from 1; undefined where the file has nothing to point at. */
  readonly line: number | undefined
  readonly message: string
}

/** The configuration cannot be used. Its message lists every mistake, each with its line. */
export class ConfigMistakes extends Error {
  override readonly name = 'ConfigMistakes'
  readonly mistakes: readonly Mistake[]

  constructor(file: string, mistakes: readonly Mistake[]) {
    const lines = mistakes.map(({ line, message }) => `  ${line === undefined ? '' : `line ${line}: `}${message}`)
    super(`${file} has ${mistakes.length === 1 ? 'a mistake' : `${mistakes.length} mistakes`}:\n${lines.join('\n')}`)
    this.mistakes = mistakes
  }
}

/** What zod found, in terms of the file: in the order of its lines. */
export function mistakesOf(
  issues: readonly z.core.$ZodIssue[],
  schema: z.core.$ZodType,
  document: Document,
  lines: LineCounter,
): Mistake[] {
  const mistakes = issues.flatMap((issue): Mistake[] => {
    const at = (path: readonly PropertyKey[]) => lineAt(document, lines, path)
    if (issue.code !== 'unrecognized_keys') return [{ line: at(issue.path), message: sentence(issue) }]
    const at_ = schemaAt(schema, issue.path)
    const known = Object.keys((at_ && shapeOf(at_)) ?? {})
    return issue.keys.map((key) => {
      const path = [...issue.path, key]
      const meant = nearest(key, known)
      const hint = meant === undefined ? `known are ${known.join(', ')}` : `did you mean ${meant}?`
      return { line: at(path), message: `${path.join('.')} is not known; ${hint}` }
    })
  })
  return mistakes.sort((a, b) => (a.line ?? 0) - (b.line ?? 0))
}

function sentence(issue: z.core.$ZodIssue): string {
  const where = issue.path.join('.')
  if (issue.input === undefined && issue.code === 'invalid_type') return `${where} is missing`
  return where === '' ? issue.message : `${where}: ${issue.message}`
}

/** The line of a key, or of the nearest thing around it that the file has. */
function lineAt(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number | undefined {
  for (let length = path.length; length > 0; length--) {
    const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true)
    const key = path[length - 1]
    const pair = isMap(parent) ? parent.items.find((item) => isScalar(item.key) && item.key.value === key) : undefined
    const node = pair ? pair.key : document.getIn(path.slice(0, length), true)
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line
  }
  return undefined
}
