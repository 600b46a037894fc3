import { isUtf8 } from 'node:buffer'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { MatrixError } from '../matrix/errors.ts'
import type { Json } from '../matrix/json.ts'
import { parseJson } from '../matrix/parse-json.ts'
import type { Claim, ReceivedRequest } from '../services/federation/request-auth.ts'
import type { BodyReader } from './body.ts'
import type { RequestLimiter } from './request-limiter.ts'
import type { Peer, Route } from './route.ts'

/** Knows which server a request comes from. */
export interface PeerAuthenticator {
  /** Refuses servers that we do not talk to, before anything else is done for them. */
  claimOf(authorization: readonly string[]): Claim
  /** The server that sent the request, proven. */
  prove(claim: Claim, request: ReceivedRequest): Promise<string>
}

interface Deps {
  readonly peers: PeerAuthenticator
  readonly rateLimits: RequestLimiter
  readonly bodies: BodyReader
}

const MAX_BODY_BYTES = 1024 * 1024

/**
 * Lets another server in. The signature covers the body, so that has been read, with the values it was sent with, before
 * anybody knows who sent it: until then the request counts against its network address only, because anybody may claim
 * to be a partner.
 */
export async function admitPeer(
  { method, maxBodyBytes = MAX_BODY_BYTES }: Route['spec'],
  { peers, rateLimits, bodies }: Deps,
  req: IncomingMessage,
  res: ServerResponse,
  ip: string,
): Promise<{ requester: Peer; content: Json | undefined }> {
  const claim = peers.claimOf(req.headersDistinct.authorization ?? [])
  rateLimits.count('federation', { address: ip })
  const content = method === 'GET' ? undefined : parseContent(await bodies.read(req, res, maxBodyBytes))
  const uri = (req.url ?? '').replace(/^https?:\/\/[^/?]*/i, '')
  const server = await peers.prove(claim, { method, uri, content })
  rateLimits.count('federation', { userId: server })
  return { requester: { server }, content }
}

function parseContent(bytes: Buffer): Json | undefined {
  if (bytes.length === 0) return undefined
  if (!isUtf8(bytes)) throw new MatrixError('M_NOT_JSON', 'The body is not UTF-8')
  return parseJson(bytes.toString('utf8'))
}
