import type { Config } from '../config/schema.ts'
import { Gate } from '../services/accounts/gate.ts'
import { DiskFiles } from '../services/media/disk-files.ts'
import { Media } from '../services/media/media.ts'
import { Thumbnails } from '../services/media/thumbnails.ts'
import type { Ground } from './ground.ts'

const HOUR_MS = 3_600_000
const NAME_BYTES = 16
/**
 * Pictures made at once. libvips works on libuv's four threads, which worker threads share: workers would gain nothing,
 * and half of the threads stay free for the disk and for signatures.
 */
const MAX_RUNNING = 2
const MAX_WAITING = 200

/** Uploaded files: what is known of them is in the database, the bytes are on disk. */
export function composeMedia({ media: config }: Config, { db, clock, random, serverName, every }: Ground) {
  const mediaFiles = new DiskFiles({
    directory: config.path,
    newName: () => Buffer.from(random(NAME_BYTES)).toString('hex'),
  })
  const media = new Media({
    db,
    clock,
    random,
    serverName,
    files: mediaFiles,
    maxPending: config.max_pending,
    pendingForMs: config.pending_for,
  })
  every(HOUR_MS, 'expiring announced files', () => media.expire())
  every(HOUR_MS, 'removing halves of files', () => mediaFiles.sweep(clock.now() - 24 * HOUR_MS))
  const thumbnails = new Thumbnails({
    files: mediaFiles,
    gate: new Gate(MAX_RUNNING, MAX_WAITING, 'Too many pictures are being made at once'),
  })
  return {
    media,
    thumbnails,
    mediaFiles,
    mediaLimits: { maxUploadBytes: config.max_upload, legacyDownloads: config.legacy_downloads },
  }
}
