import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { argv, stdout } from 'node:process'
import { parse } from 'yaml'
import type { Shape } from '../test/spec/shape.ts'

/**
 * Derives `test/spec/shapes.json` from the specification's OpenAPI: `node scripts/spec-shapes.ts <folder>`, where the
 * folder is `data` of a checkout of matrix-spec. It keeps names, types and what is required, and no prose.
 */
type Node = { readonly [key: string]: unknown }

const METHODS = ['get', 'put', 'post', 'delete'] as const
const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && !Array.isArray(value)

class Specification {
  readonly definitions: Record<string, Shape> = {}
  readonly #folder: string
  readonly #files = new Map<string, Node>()

  constructor(folder: string) {
    this.#folder = folder
  }

  /** The answers of all operations in a file, by method and path. */
  *operations(file: string): Generator<[operation: string, answers: Record<string, Shape>]> {
    const api = this.#read(file)
    const [server] = Array.isArray(api.servers) ? api.servers : []
    const base = server?.variables?.basePath?.default ?? ''
    for (const [path, item] of Object.entries(isNode(api.paths) ? api.paths : {})) {
      for (const method of METHODS) {
        const operation = isNode(item) ? item[method] : undefined
        if (!isNode(operation) || !isNode(operation.responses)) continue
        yield [`${method.toUpperCase()} ${base}${path.trim()}`, this.#answers(operation.responses, file)]
      }
    }
  }

  #answers(responses: Node, file: string): Record<string, Shape> {
    const answers: Record<string, Shape> = {}
    for (const [status, response] of Object.entries(responses)) {
      const [node, at] = this.#follow(response, file)
      const content = isNode(node.content) ? node.content['application/json'] : undefined
      if (isNode(content) && isNode(content.schema)) answers[status] = this.#shape(content.schema, at)
    }
    return answers
  }

  #shape(schema: Node, file: string): Shape {
    if (typeof schema.$ref === 'string') return this.#reference(schema.$ref, file)
    const choices = schema.oneOf ?? schema.anyOf
    if (Array.isArray(choices)) return simplify({ anyOf: choices.map((choice: Node) => this.#shape(choice, file)) })
    if (Array.isArray(schema.allOf)) return this.#merged(schema, file)
    if (Array.isArray(schema.type)) {
      return simplify({ anyOf: schema.type.map((type: unknown) => this.#shape({ ...schema, type }, file)) })
    }
    if (schema.type === 'array') return { array: isNode(schema.items) ? this.#shape(schema.items, file) : 'any' }
    if (schema.type === 'object' || isNode(schema.properties)) return this.#object(schema, file)
    const isSimple = ['string', 'integer', 'number', 'boolean', 'null'].includes(String(schema.type))
    return isSimple ? (schema.type as Extract<Shape, string>) : 'any'
  }

  #object(schema: Node, file: string): Shape {
    const properties = isNode(schema.properties) ? schema.properties : {}
    const object = Object.fromEntries(
      Object.entries(properties).map(([name, field]) => [name, isNode(field) ? this.#shape(field, file) : 'any']),
    )
    const others = [
      ...(isNode(schema.additionalProperties) ? [schema.additionalProperties] : []),
      ...(isNode(schema.patternProperties) ? Object.values(schema.patternProperties).filter(isNode) : []),
    ].map((field) => this.#shape(field, file))
    return {
      object,
      ...(Array.isArray(schema.required) && { required: schema.required }),
      ...(others.length > 0 && { values: simplify({ anyOf: others }) }),
    }
  }

  /** `allOf`: an object with the fields of all parts. */
  #merged(schema: Node, file: string): Shape {
    const { allOf, ...own } = schema
    const parts = [...(allOf as Node[]), own].map((part) => this.#resolved(this.#shape(part, file)))
    const objects = parts.filter((part) => typeof part === 'object' && 'object' in part)
    if (objects.length === 0) return parts.find((part) => part !== 'any') ?? 'any'
    const object: Record<string, Shape> = {}
    for (const part of objects) {
      for (const [name, shape] of Object.entries(part.object)) object[name] = this.#both(object[name], shape)
    }
    const required = [...new Set(objects.flatMap((part) => part.required ?? []))]
    const values = objects.flatMap((part) => part.values ?? [])
    return {
      object,
      ...(required.length > 0 && { required }),
      ...(values.length > 0 && { values: simplify({ anyOf: values }) }),
    }
  }

  #both(one: Shape | undefined, other: Shape): Shape {
    if (one === undefined || one === 'any') return other
    const [a, b] = [this.#resolved(one), this.#resolved(other)]
    if (typeof a !== 'object' || typeof b !== 'object' || !('object' in a) || !('object' in b)) return one
    const object = { ...a.object }
    for (const [name, shape] of Object.entries(b.object)) object[name] = this.#both(object[name], shape)
    return { ...a, ...b, object }
  }

  #resolved(shape: Shape): Shape {
    return typeof shape === 'object' && 'ref' in shape ? this.#resolved(this.definitions[shape.ref] ?? 'any') : shape
  }

  /** What is referred to becomes a definition, once. */
  #reference(reference: string, file: string): Shape {
    const name = this.#nameOf(reference, file)
    if (!(name in this.definitions)) {
      this.definitions[name] = 'any' // while it is being read: it may refer to itself
      const [node, at] = this.#follow({ $ref: reference }, file)
      this.definitions[name] = this.#shape(node, at)
    }
    return { ref: name }
  }

  #nameOf(reference: string, file: string): string {
    const [path = '', fragment = ''] = reference.split('#')
    const target = path === '' ? file : resolve(dirname(file), path)
    return relative(this.#folder, target).replace(/\.yaml$/, '') + (fragment === '' ? '' : `#${fragment}`)
  }

  /** Follows references to what they stand for; returns it with the file that it is in. */
  #follow(value: unknown, file: string): [node: Node, file: string] {
    if (!isNode(value)) return [{}, file]
    if (typeof value.$ref !== 'string') return [value, file]
    const [path = '', fragment = ''] = value.$ref.split('#')
    const target = path === '' ? file : resolve(dirname(file), path)
    let node: unknown = this.#read(target)
    for (const key of fragment.split('/').filter((part) => part !== '')) node = isNode(node) ? node[key] : undefined
    return this.#follow(node, target)
  }

  #read(file: string): Node {
    let node = this.#files.get(file)
    if (!node) {
      const content: unknown = existsSync(file) ? parse(readFileSync(file, 'utf8')) : {}
      node = isNode(content) ? content : {}
      this.#files.set(file, node)
    }
    return node
  }
}

/** Only one choice, or one that admits everything, is no choice. */
function simplify(shape: { anyOf: Shape[] }): Shape {
  const [first = 'any', ...others] = [
    ...new Map(shape.anyOf.map((choice) => [JSON.stringify(choice), choice])).values(),
  ]
  if (first === 'any' || others.includes('any')) return 'any'
  return others.length === 0 ? first : { anyOf: [first, ...others] }
}

/** Definitions that an answer leads to; those that were merged into others are not needed. */
function used(answers: object, definitions: Readonly<Record<string, Shape>>): Record<string, Shape> {
  const names = new Set<string>()
  const visit = (text: string) => {
    for (const [, name = ''] of text.matchAll(/\{"ref":"([^"]+)"\}/g)) {
      if (names.has(name)) continue
      names.add(name)
      visit(JSON.stringify(definitions[name]))
    }
  }
  visit(JSON.stringify(answers))
  return Object.fromEntries([...names].sort().map((name) => [name, definitions[name] ?? 'any']))
}

const [, , folder = '.'] = argv
const specification = new Specification(resolve(folder))
const answers: Record<string, Record<string, Shape>> = {}
for (const api of ['client-server', 'server-server']) {
  const directory = join(resolve(folder), 'api', api)
  for (const file of readdirSync(directory)
    .filter((name) => name.endsWith('.yaml'))
    .sort()) {
    for (const [operation, shapes] of specification.operations(join(directory, file))) {
      // A path that stands in two files has the answers of both.
      for (const [status, shape] of Object.entries(shapes)) {
        const known = answers[operation]?.[status]
        answers[operation] = { ...answers[operation], [status]: known ? simplify({ anyOf: [known, shape] }) : shape }
      }
    }
  }
}
const lines = (entries: object) =>
  Object.entries(entries)
    .map(([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)}`)
    .join(',\n')
const target = new URL('../test/spec/shapes.json', import.meta.url)
const definitions = used(answers, specification.definitions)
writeFileSync(target, `{"definitions": {\n${lines(definitions)}\n}, "answers": {\n${lines(answers)}\n}}\n`)
stdout.write(`${Object.keys(answers).length} operations, ${Object.keys(definitions).length} definitions\n`)
