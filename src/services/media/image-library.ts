import type { SharpConstructor } from 'sharp'

/** Only what browsers send as pictures is decoded: no SVG, PDF or TIFF, whose readers are large and seldom needed. */
const LOADERS = ['Jpeg', 'Png', 'Nsgif', 'Webp', 'Heif'].map((name) => `VipsForeignLoad${name}`)

let loading: Promise<SharpConstructor> | undefined

/** sharp with its libraries takes 10 MiB and 40 ms: it comes with the first picture, so that a server starts lean. */
export function imageLibrary(): Promise<SharpConstructor> {
  loading ??= load()
  return loading
}

async function load(): Promise<SharpConstructor> {
  const { default: sharp } = await import('sharp')
  sharp.concurrency(1) // so that the number of pictures bounds that of threads
  sharp.cache(false) // no picture is made twice
  sharp.block({ operation: ['VipsForeignLoad'] })
  sharp.unblock({ operation: LOADERS })
  return sharp
}
