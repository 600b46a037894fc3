/** The part of the rate limits that a request meets; throws `M_LIMIT_EXCEEDED`. */
export interface RequestLimiter {
  count(limitClass: string, who: { userId?: string | undefined; address?: string | undefined }, times?: number): void
}
