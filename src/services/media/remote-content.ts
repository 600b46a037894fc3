import { RemoteFailure } from '../../federation/remote-failure.ts'
import type { RemoteFile } from '../../federation/requests/media.ts'
import { MatrixError } from '../../matrix/errors.ts'

/** The content of another server's file, within its bounds. Whatever goes wrong with it is a `MatrixError`. */
export async function* boundedContent(remote: RemoteFile, maxBytes: number): AsyncGenerator<Uint8Array> {
  const { content, bytes } = remote
  let size = 0
  try {
    for await (const chunk of content) {
      size += chunk.length
      if (size > maxBytes) throw remoteTooLarge()
      if (size > (bytes ?? size)) throw remoteError(undefined)
      yield chunk
    }
    if (size !== (bytes ?? size)) throw remoteError(undefined)
  } catch (error) {
    throw error instanceof MatrixError ? error : remoteError(error)
  } finally {
    remote.destroy()
  }
}

/** What the client is told of a fetch that failed: what the other server says of the file, or only that it failed. */
export function remoteError(error: unknown): MatrixError {
  if (error instanceof MatrixError) return error
  if (!(error instanceof RemoteFailure)) {
    return new MatrixError('M_UNKNOWN', 'The file could not be fetched', { status: 502, cause: error })
  }
  if (error.errcode === 'M_TOO_LARGE') return remoteTooLarge()
  return error.toClient('M_NOT_FOUND', 'M_NOT_YET_UPLOADED')
}

export const remoteTooLarge = () => new MatrixError('M_TOO_LARGE', 'The file is too large', { status: 502 })
