import type { Config } from '../config/schema.ts'
import { Gate } from '../services/gate.ts'
import { DiskFiles } from '../services/media/disk-files.ts'
import { Downloads } from '../services/media/downloads.ts'
import { Media } from '../services/media/media.ts'
import { MediaCare } from '../services/media/media-care.ts'
import { RemoteMedia } from '../services/media/remote-media.ts'
import { RemoteThumbnails } from '../services/media/remote-thumbnails.ts'
import type { NewFile } from '../services/media/scan/scan.ts'
import { Thumbnails } from '../services/media/thumbnails.ts'
import { type UploadBounds, UploadLimits } from '../services/media/upload-limits.ts'
import { DAY_MS, HOUR_MS } from '../util/clock.ts'
import type { composeFederation } from './federation.ts'
import type { Ground } from './ground.ts'
import { composeScanner } from './scanner.ts'

const NAME_BYTES = 16
/**
 * Pictures made at once. libvips works on libuv's four threads, which worker threads share: workers would gain nothing,
 * and half of the threads stay free for the disk and for signatures.
 */
const MAX_RUNNING = 2
const MAX_REMOTE_THUMBNAILS = 8
const MAX_WAITING = 200

/** Files, uploaded and fetched: what is known of them is in the database, the bytes are on disk. */
export function composeMedia(
  wholeConfig: Config,
  ground: Ground,
  { client, policy }: Pick<ReturnType<typeof composeFederation>, 'client' | 'policy'>,
) {
  const { media: config } = wholeConfig
  const { db, clock, log, random, serverName, lifetime, every } = ground
  const fileCheck = composeScanner(wholeConfig, ground)
  const check = fileCheck && ((file: NewFile) => fileCheck.check(file))
  const mediaFiles = new DiskFiles({
    directory: config.path,
    check,
    newName: () => Buffer.from(random(NAME_BYTES)).toString('hex'),
  })
  const uploadLimits = new UploadLimits({ db, clock, bounds: boundsOf(config) })
  const media = new Media({
    db,
    clock,
    random,
    serverName,
    files: mediaFiles,
    limits: uploadLimits,
    maxPending: config.max_pending,
    pendingForMs: config.pending_for,
  })
  const mediaCare = new MediaCare({
    db,
    clock,
    files: mediaFiles,
    keepCopiesMs: config.remote.keep,
    maxCopiesBytes: config.remote.max_total,
    onFailure: (err) => log.error({ err }, 'making room for the files of other servers failed'),
  })
  const remoteMedia = new RemoteMedia({
    db,
    clock,
    files: mediaFiles,
    requests: client.media,
    mayFederate: (name) => policy.mayFederate(name),
    maxBytes: config.remote.max_size,
    mayStream: fileCheck === undefined,
    onRefused: (name) => mediaCare.quarantine(name),
    onStored: (bytes) => mediaCare.onCopied(bytes),
  })
  lifetime.add(remoteMedia)
  every(HOUR_MS, 'expiring announced files', () => media.expire())
  every(HOUR_MS, 'forgetting what was uploaded on past days', () => uploadLimits.expire())
  every(HOUR_MS, 'removing halves of files', () => mediaFiles.sweep(clock.now() - DAY_MS))
  every(HOUR_MS, 'deleting copies of files', () => mediaCare.sweepCopies())
  every(HOUR_MS, 'removing deleted files', () => mediaCare.sweepGarbage())
  const thumbnails = new Thumbnails({
    files: mediaFiles,
    gate: new Gate(MAX_RUNNING, MAX_WAITING, 'Too many pictures are being made at once'),
  })
  return {
    media,
    downloads: new Downloads({
      serverName,
      media,
      remoteMedia,
      thumbnails,
      remoteThumbnails: new RemoteThumbnails({
        requests: client.media,
        check,
        gate: new Gate(
          MAX_REMOTE_THUMBNAILS,
          MAX_WAITING,
          'Too many pictures are being fetched at once',
          MAX_REMOTE_THUMBNAILS / 2, // for one user
        ),
      }),
      now: () => clock.now(),
      isOpen: config.legacy_downloads,
      frozenSince: config.legacy_freeze,
    }),
    thumbnails,
    mediaCare,
    mediaFiles,
    mediaLimits: { maxUploadBytes: config.max_upload },
  }
}

const boundsOf = ({ limits }: Config['media']): UploadBounds => ({
  userDay: limits?.user_day,
  userDayFiles: limits?.user_day_files,
  userTotal: limits?.user_total,
  allDay: limits?.all_day,
  allTotal: limits?.all_total,
})
