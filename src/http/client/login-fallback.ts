import { htmlPage } from '../html-page.ts'
import { route } from '../route.ts'

const BODY = `<form><input name="user" autocomplete="username" placeholder="아이디 (user name)" required>
<input name="password" type="password" autocomplete="current-password" placeholder="비밀번호 (password)" required>
<button>로그인 (log in)</button></form><p role="status"></p>`

// What the page was opened with goes on to /login, but for what a link must not choose.
const SCRIPT = `
const form = document.forms[0], said = document.querySelector('p')
form.addEventListener('submit', async (event) => {
  event.preventDefault()
  const given = Object.fromEntries(new URLSearchParams(location.search))
  const body = { type: 'm.login.password', identifier: { type: 'm.id.user', user: form.user.value }, password: form.password.value }
  for (const name of ['device_id', 'initial_device_display_name']) if (given[name]) body[name] = given[name]
  if (given.refresh_token === 'true') body.refresh_token = true
  const response = await fetch('/_matrix/client/v3/login', { method: 'POST', body: JSON.stringify(body) })
  const answer = await response.json()
  said.textContent = response.ok ? '로그인되었습니다. (You are logged in.)' : answer.error
  if (response.ok && window.matrixLogin && window.matrixLogin.onLogin) window.matrixLogin.onLogin(answer)
})
`

/** The page of clients that know no way to log in (spec: client-server API, Login fallback). */
export const getLoginFallback = route(
  {
    id: 'client.getLoginFallback',
    method: 'GET',
    path: '/_matrix/static/client/login/',
    auth: 'none',
  },
  async () => htmlPage(200, '로그인', BODY, SCRIPT),
)
