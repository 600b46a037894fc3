import { request } from 'undici'
import type { User } from './user.ts'

/** Uploads a file; how it is named in paths. */
export async function uploadFile(user: User, content: Buffer, type = 'application/octet-stream'): Promise<string> {
  const { statusCode, body } = await request(`${user.http.origin}/_matrix/media/v3/upload`, {
    method: 'POST',
    headers: { authorization: `Bearer ${user.token}`, 'content-type': type },
    body: content,
  })
  const text = await body.text()
  if (statusCode !== 200) throw new Error(`An upload was answered ${statusCode}: ${text.slice(0, 200)}`)
  return JSON.parse(text).content_uri.replace('mxc://', '')
}

/** Downloads a file, or a thumbnail, and throws it away as it comes; its bytes. */
export async function fetchFile(user: User, path: string): Promise<number> {
  const { statusCode, body } = await request(`${user.http.origin}/_matrix/client/v1/media/${path}`, {
    headers: { authorization: `Bearer ${user.token}` },
  })
  let bytes = 0
  for await (const chunk of body) bytes += chunk.length
  if (statusCode !== 200) throw new Error(`A download was answered ${statusCode}`)
  return bytes
}
