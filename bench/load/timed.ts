/** Notes how long the work took, in milliseconds. */
export async function timed<T>(samples: number[], work: () => Promise<T>): Promise<T> {
  const started = performance.now()
  const result = await work()
  samples.push(performance.now() - started)
  return result
}
