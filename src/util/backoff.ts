/** How long to wait after so many failures in a row (1 and more): twice as long each time, up to `longestMs`. */
export const backoffMs = (failures: number, firstMs: number, longestMs: number): number =>
  Math.min(firstMs * 2 ** (failures - 1), longestMs)
