import { MatrixError } from '../../matrix/errors.ts'
import { route } from '../route.ts'

export const rebuildSearchIndex = route(
  { id: 'local.rebuildSearchIndex', method: 'POST', path: '/local/v1/search/rebuild', auth: 'none', limit: 'none' },
  async (_input, { searchIndex }) => {
    if (!searchIndex) throw new MatrixError('M_UNRECOGNIZED', 'Messages are not searched here (search.messages)')
    await searchIndex.rebuild()
    return {}
  },
)
