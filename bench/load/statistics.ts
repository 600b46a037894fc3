/** The value below which the share `p` (0 to 1) of the samples lies. */
export function percentile(samples: readonly number[], p: number): number {
  const sorted = samples.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? Number.NaN
}

export const median = (samples: readonly number[]): number => percentile(samples, 0.5)

/** Milliseconds, with as many digits as they deserve. */
export const ms = (value: number): string => `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ms`

/** `p50 1.02 ms, p99 3.40 ms, max 8.10 ms (n = 1200)` */
export const latencies = (samples: readonly number[]): string =>
  `p50 ${ms(median(samples))}, p99 ${ms(percentile(samples, 0.99))}, max ${ms(Math.max(...samples))} (n = ${samples.length})`

/** `3120/s (2890 to 3260)`: the median of the seconds, and their spread. */
export const rates = (perSecond: readonly number[]): string =>
  `${median(perSecond).toFixed(0)}/s (${Math.min(...perSecond).toFixed(0)} to ${Math.max(...perSecond).toFixed(0)})`
