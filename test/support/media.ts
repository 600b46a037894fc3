import type { User } from './client.ts'

interface Sent {
  readonly type?: string
  readonly name?: string
}

/** Uploads a file and returns how it is named in paths: `<server>/<id>`. */
export async function upload(user: User, content: Uint8Array | string, { type, name }: Sent = {}): Promise<string> {
  const query = name === undefined ? '' : `?filename=${encodeURIComponent(name)}`
  const answer = await fetch(`${user.url}/_matrix/media/v3/upload${query}`, {
    method: 'POST',
    headers: authorized(user, type === undefined ? {} : { 'content-type': type }),
    body: new Uint8Array(Buffer.from(content)),
  })
  if (answer.status !== 200) throw new Error(`The upload was answered ${answer.status}`)
  return JSON.parse(await answer.text()).content_uri.replace('mxc://', '')
}

/** `path` with its query. */
export const download = (user: User, path: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${user.url}/_matrix/client/v1/media/download/${path}`, { headers: authorized(user, headers) })

export const thumbnail = (user: User, path: string): Promise<Response> =>
  fetch(`${user.url}/_matrix/client/v1/media/thumbnail/${path}`, { headers: authorized(user) })

export const bytesOf = async (answer: Response): Promise<Buffer> => Buffer.from(await answer.arrayBuffer())

/** Status and errcode of a refusal. */
export async function refusal(answer: Response): Promise<[number, string]> {
  const { errcode } = JSON.parse(await answer.text())
  return [answer.status, errcode]
}

const authorized = (user: User, headers: Record<string, string> = {}) => ({
  authorization: `Bearer ${user.accessToken}`,
  ...headers,
})
