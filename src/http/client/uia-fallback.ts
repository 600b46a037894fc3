import { z } from 'zod'
import { notFound } from '../../matrix/errors.ts'
import { isObject, type JsonObject } from '../../matrix/json.ts'
import { hasPage } from '../../services/accounts/uia/uia.ts'
import { stageNamed } from '../../services/accounts/uia/uia-stages.ts'
import { escapeHtml, htmlPage } from '../html-page.ts'
import { firstParam } from '../query.ts'
import { route } from '../route.ts'

const PATH = [
  '/_matrix/client/v3/auth/:authType/fallback/web',
  '/_matrix/client/r0/auth/:authType/fallback/web',
  '/_matrix/client/v1/auth/:authType/fallback/web',
]

const TITLE = '확인 (confirmation)'

// Tells the client that opened the page, as the specification has it.
const SCRIPT = `
const form = document.forms[0], said = document.querySelector('p[role]')
form.addEventListener('submit', async (event) => {
  event.preventDefault()
  const response = await fetch(location.href, { method: 'POST', body: JSON.stringify(Object.fromEntries(new FormData(form))) })
  const answer = await response.json()
  if (!response.ok) { said.textContent = answer.error; return }
  form.hidden = true
  said.textContent = '확인되었습니다. 이 창을 닫으세요. (Done. You can close this window.)'
  if (window.onAuthDone) window.onAuthDone()
  else if (window.opener && window.opener.postMessage) window.opener.postMessage('authDone', '*')
})
`

/** The page on which a stage of user-interactive authentication can be done in a browser (spec: Fallback). */
export const getAuthFallback = route(
  {
    id: 'client.getAuthFallback',
    method: 'GET',
    path: PATH,
    auth: 'none',
    params: z.object({ authType: z.string() }),
    query: z.object({ session: firstParam }),
  },
  async ({ params, query }, { uiaSessions }) => {
    const stage = stageNamed(params.authType)
    if (stage === undefined) throw noPage()
    const session = await uiaSessions.find(query.session)
    if (!session)
      return htmlPage(400, TITLE, '<p>시간이 지났습니다. 다시 시작하세요. (This has expired; start again.)</p>')
    if (!hasPage(stage, session)) throw noPage()
    const form = `${fieldsOf(stage, session.memory.params)}<button>확인 (confirm)</button>`
    return htmlPage(200, TITLE, `<form>${form}</form><p role="status"></p>`, SCRIPT)
  },
)

/** What the page sends. */
export const submitAuthFallback = route(
  {
    id: 'client.submitAuthFallback',
    method: 'POST',
    path: PATH,
    auth: 'none',
    limit: 'login',
    params: z.object({ authType: z.string() }),
    query: z.object({ session: firstParam }),
    body: z.object({ user: z.string().optional(), password: z.string().optional(), token: z.string().optional() }),
  },
  async ({ params, query, body }, { uia, uiaSessions }) => {
    const stage = stageNamed(params.authType)
    const session = await uiaSessions.find(query.session)
    if (stage === undefined || !session) throw notFound('There is no such session')
    const failure = await uia.completeStage(session, stage, body)
    if (failure) throw failure
    return {}
  },
)

const noPage = () => notFound('There is no page for this stage')

/** The fields of the form, by what the stage asks for. */
function fieldsOf(stage: string, params: JsonObject): string {
  if (stage === 'm.login.password') {
    return `<input name="user" autocomplete="username" placeholder="아이디 (user name)" required>
<input name="password" type="password" autocomplete="current-password" placeholder="비밀번호 (password)" required>`
  }
  if (stage === 'm.login.registration_token') return '<input name="token" placeholder="가입 코드 (token)" required>'
  if (stage === 'm.login.terms') return `<p>다음에 동의합니다. (I accept:)</p><ul>${policyLinks(params)}</ul>`
  return ''
}

function policyLinks(params: JsonObject): string {
  const terms = params['m.login.terms']
  const policies = isObject(terms) && isObject(terms.policies) ? Object.values(terms.policies) : []
  return policies
    .map((policy) => (isObject(policy) && isObject(policy.en) ? policy.en : {}))
    .map(
      ({ name, url }) =>
        `<li><a href="${escapeHtml(String(url))}" rel="noreferrer">${escapeHtml(String(name))}</a></li>`,
    )
    .join('')
}
