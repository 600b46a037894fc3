import { route } from '../route.ts'

export const getVersion = route(
  { id: 'server.getVersion', method: 'GET', path: '/_matrix/federation/v1/version', auth: 'none' },
  async (_input, { software }) => ({ server: { name: software.name, version: software.version } }),
)
