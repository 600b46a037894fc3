import { describe, expect, it } from 'vitest'
import { clientRoutes } from '../../src/http/routes.ts'
import { coverageOf } from './coverage.ts'

describe('the route table', () => {
  it('agrees with the specification about names and authentication', () => {
    expect(coverageOf(clientRoutes).differences).toEqual([])
  })

  it('has each operation once', () => {
    const served = clientRoutes.flatMap(({ spec }) => [spec.path].flat().map((path) => `${spec.method} ${path}`))
    expect(served.filter((key, index) => served.indexOf(key) !== index)).toEqual([])
  })
})
