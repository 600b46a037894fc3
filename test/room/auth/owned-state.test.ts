import { describe, expect, it } from 'vitest'
import { eventOf, verdictOn } from '../../support/auth-rules.ts'

const set = (sender: string, stateKey: string, version = 'org.matrix.msc3757.11') =>
  verdictOn(
    eventOf({ type: 'own', sender, state_key: stateKey }),
    { levels: { state_default: 0, users: { '@mod:a': 50 } } },
    version,
  )

const OTHERS = 'The state is that of another user'
const NOBODYS = 'The state key begins with no user id'

describe('owned state (MSC3757)', () => {
  it.each(['@bob:b', '@bob:b_', '@bob:b_suffix:!@#$', 'anything'])('lets a user set %s', (stateKey) => {
    expect(set('@bob:b', stateKey)).toBeUndefined()
  })

  it('is refused to who does not outrank its owner, and open to who does', () => {
    expect(set('@bob:b', '@mod:a_x')).toBe(OTHERS)
    expect(set('@bob:b', '@stranger:c')).toBe(OTHERS)
    expect(set('@mod:a', '@alice:a_x')).toBe(OTHERS)
    expect(set('@mod:a', '@bob:b_x')).toBeUndefined()
    expect(set('@mod:a', '@stranger:c')).toBeUndefined()
  })

  it.each(['@', '@oops', '@bob', '@:_', '@bob:b@x_y', '@bob_x'])('is nobody’s under %s', (stateKey) => {
    expect(set('@alice:a', stateKey)).toBe(NOBODYS)
  })

  it('is the id of a user alone in other versions', () => {
    expect(set('@bob:b', '@bob:b_x', '11')).toBe('The state key is the id of another user')
  })
})
