import { describe, expect, it } from 'vitest'
import { startServer } from '../support/server.ts'
import { contentOf } from '../support/sync.ts'

const GLOBAL = '/v3/pushrules/global'

async function person() {
  const { client } = await startServer()
  return client.register('alice')
}

const ids = (rules: { rule_id: string }[]) => rules.map((rule) => rule.rule_id)
const ownIds = (rules: { rule_id: string }[]) => ids(rules).filter((id) => !id.startsWith('.'))

describe('Push rules', () => {
  it('begin with the predefined ones, made out to the user', async () => {
    const alice = await person()
    const { global } = await alice.get('/v3/pushrules/')
    expect(ids(global.override)[0]).toBe('.m.rule.master')
    expect(ids(global.underride)).toContain('.m.rule.message')
    const mention = await alice.get(`${GLOBAL}/override/.m.rule.is_user_mention`)
    expect(mention.conditions[0].value).toBe(alice.userId)
    expect(await alice.get(`${GLOBAL}/`)).toEqual(global)
  })

  it('go where `before` and `after` say, and first without them', async () => {
    const alice = await person()
    const put = (id: string, query = '') =>
      alice.put(`${GLOBAL}/override/${id}${query}`, { actions: ['notify'], conditions: [] })
    const order = async () => ownIds((await alice.get(`${GLOBAL}/`)).override)
    await put('b')
    await put('a')
    expect(await order()).toEqual(['a', 'b'])
    await put('c', '?after=b')
    await put('d', '?before=b')
    expect(await order()).toEqual(['a', 'd', 'b', 'c'])
    // Changed without a place, a rule stays; with one, it moves.
    await put('b')
    expect(await order()).toEqual(['a', 'd', 'b', 'c'])
    await put('c', '?before=a')
    expect(await order()).toEqual(['c', 'a', 'd', 'b'])
    expect((await alice.get(`${GLOBAL}/`)).override[0].rule_id).toBe('.m.rule.master')
  })

  it('are enabled, disabled, changed and deleted', async () => {
    const alice = await person()
    const path = `${GLOBAL}/content/cake`
    await alice.put(path, { pattern: 'cake', actions: ['notify'] })
    await alice.put(`${path}/enabled`, { enabled: false })
    expect(await alice.get(`${path}/enabled`)).toEqual({ enabled: false })
    await alice.put(`${path}/actions`, { actions: [] })
    expect(await alice.get(path)).toEqual({
      rule_id: 'cake',
      default: false,
      enabled: false,
      pattern: 'cake',
      actions: [],
    })
    await alice.delete(path)
    expect((await alice.request('GET', path)).status).toBe(404)
    const predefined = `${GLOBAL}/underride/.m.rule.message`
    await alice.put(`${predefined}/actions`, { actions: [] })
    await alice.put(`${predefined}/enabled`, { enabled: false })
    expect(await alice.get(predefined)).toMatchObject({ default: true, enabled: false, actions: [] })
  })

  it.each([
    ['PUT', 'override/.mine', { actions: [] }, 400, 'M_INVALID_PARAM'],
    ['PUT', 'override/a%2Fb', { actions: [] }, 400, 'M_INVALID_PARAM'],
    ['PUT', 'content/nothing', { actions: [] }, 400, 'M_MISSING_PARAM'],
    ['PUT', 'override/x', {}, 400, 'M_MISSING_PARAM'],
    ['PUT', 'override/x', { actions: [{}] }, 400, 'M_BAD_JSON'],
    ['PUT', 'override/x?before=unknown', { actions: [], conditions: [] }, 400, 'M_UNKNOWN'],
    ['PUT', 'override/x?after=.m.rule.master', { actions: [], conditions: [] }, 400, 'M_UNKNOWN'],
    ['GET', 'unheard/x', undefined, 404, 'M_NOT_FOUND'],
    ['DELETE', 'override/x', undefined, 404, 'M_NOT_FOUND'],
    ['PUT', 'override/x/enabled', { enabled: true }, 404, 'M_NOT_FOUND'],
    ['PUT', 'override/x/actions', { actions: [] }, 404, 'M_NOT_FOUND'],
  ])('answer %s %s %j with %i %s', async (method, path, body, status, errcode) => {
    const alice = await person()
    expect(await alice.request(method, `${GLOBAL}/${path}`, body)).toMatchObject({ status, body: { errcode } })
  })

  it('reach the other devices when they change', async () => {
    const alice = await person()
    expect(contentOf((await alice.sync()).account_data, 'm.push_rules').global.override).toBeDefined()
    expect((await alice.sync()).account_data).toBeUndefined()
    const waiting = alice.sync({ timeout: '30000' })
    await alice.put(`${GLOBAL}/room/!a:example.org`, { actions: [] })
    expect(ids(contentOf((await waiting).account_data, 'm.push_rules').global.room)).toEqual(['!a:example.org'])
  })
})
