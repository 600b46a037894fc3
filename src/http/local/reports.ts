import { z } from 'zod'
import { intParam } from '../query.ts'
import { route } from '../route.ts'

export const listReports = route(
  {
    id: 'local.listReports',
    method: 'GET',
    path: '/local/v1/reports',
    auth: 'none',
    limit: 'none',
    query: z.object({ after: intParam.default(0), limit: z.coerce.number().int().min(1).max(1000).default(1000) }),
  },
  async ({ query }, { reports }) => ({
    reports: (await reports.list(query.after, query.limit)).map((report) => ({ ...report })),
  }),
)
