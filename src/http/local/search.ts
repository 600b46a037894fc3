import { route } from '../route.ts'

export const rebuildSearchIndex = route(
  { id: 'local.rebuildSearchIndex', method: 'POST', path: '/local/v1/search/rebuild', auth: 'none', limit: 'none' },
  async (_input, { searchIndex }) => {
    await searchIndex.rebuild()
    return {}
  },
)
