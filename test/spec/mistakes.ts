/** Differences between our answers and the specification's OpenAPI in which the OpenAPI is wrong. */
export const MISTAKES: readonly { readonly reason: string; readonly differences: readonly string[] }[] = [
  {
    reason: 'Clients and the tests of other servers expect both names for every member; null where there is none.',
    differences: [
      'GET /_matrix/client/v3/rooms/{roomId}/joined_members 200 joined.*.display_name: should be string',
      'GET /_matrix/client/v3/rooms/{roomId}/joined_members 200 joined.*.avatar_url: should be string',
    ],
  },
]
