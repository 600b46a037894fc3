import type { UserId } from '../../matrix/ids.ts'
import type { DeviceWish } from '../../services/accounts/sessions/grants.ts'
import type { Opened } from '../../services/accounts/sessions/sessions.ts'

/** What a body says about the device to log in on. */
export const deviceWishOf = (body: {
  device_id?: string | undefined
  initial_device_display_name?: string | undefined
  refresh_token?: boolean | undefined
}): DeviceWish => ({
  deviceId: body.device_id,
  displayName: body.initial_device_display_name,
  wantsRefresh: body.refresh_token,
})

/** The tokens of a login, as `/login`, `/register` and `/refresh` have them. */
export const tokensAnswer = ({ accessToken, refreshToken, expiresInMs }: Omit<Opened, 'deviceId'>) => ({
  access_token: accessToken,
  ...(refreshToken !== undefined && { refresh_token: refreshToken }),
  ...(expiresInMs !== undefined && { expires_in_ms: expiresInMs }),
})

/** The answer to a login. `home_server` is deprecated, but older clients read it. */
export const loginAnswer = (userId: UserId, serverName: string, login: Opened) => ({
  user_id: userId,
  home_server: serverName,
  device_id: login.deviceId,
  ...tokensAnswer(login),
})
