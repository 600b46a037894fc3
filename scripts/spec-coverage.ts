import { stdout } from 'node:process'
import { clientRoutes, federationRoutes } from '../src/http/routes.ts'
import { coverageOf } from '../test/spec/coverage.ts'

/** `npm run spec:coverage`: what of the specification is there, what is not, and what is there besides. */
const { implemented, missing, extra, differences } = coverageOf([...clientRoutes, ...federationRoutes])
const apis = [...new Set([...implemented, ...missing].map(({ api }) => api))]

for (const api of apis) {
  const there = implemented.filter((operation) => operation.api === api)
  const away = missing.filter((operation) => operation.api === api)
  stdout.write(`${api}: ${there.length} of ${there.length + away.length} operations\n`)
  for (const { method, path, operationId } of there) stdout.write(`  implemented  ${operationId}  ${method} ${path}\n`)
  for (const { method, path, operationId } of away) stdout.write(`  missing  ${operationId}  ${method} ${path}\n`)
}
stdout.write(`besides: ${extra.length} paths that the specification does not have (older names, drafts, our own)\n`)
for (const key of extra) stdout.write(`  extra  ${key}\n`)
if (differences.length > 0) stdout.write(`differences:\n${differences.map((line) => `  ${line}\n`).join('')}`)
