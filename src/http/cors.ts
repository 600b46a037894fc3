/**
 * The specification's CORS headers, on every answer and every error (spec: client-server API, Web Browser Clients).
 * Flat, because that is what `writeHead` takes fastest.
 */
export const CORS_HEADERS: readonly string[] = [
  'Access-Control-Allow-Origin',
  '*',
  'Access-Control-Allow-Methods',
  'GET, HEAD, POST, PUT, DELETE, OPTIONS',
  'Access-Control-Allow-Headers',
  'X-Requested-With, Content-Type, Authorization, Date',
  'Access-Control-Expose-Headers',
  'Retry-After',
]

/** Of the answer to a preflight, which browsers may keep for a day. */
export const PREFLIGHT_HEADERS: readonly string[] = [...CORS_HEADERS, 'Access-Control-Max-Age', '86400']
