/** What a user's member events carry of the profile. */
export interface MemberProfile {
  displayname?: string
  avatar_url?: string
}
