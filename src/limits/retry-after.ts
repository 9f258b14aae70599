/** Milliseconds as the value of `Retry-After`: whole seconds, rounded up, at least 1 (RFC 9110, 10.2.3). */
export function toRetryAfterSeconds(ms: number): number {
  return Math.max(1, toSeconds(ms))
}

/** An unknown time gives 0 instead of a header that nobody can parse. */
export function toSeconds(ms: number): number {
  return Number.isFinite(ms) && ms > 0 ? Math.ceil(ms / 1000) : 0
}
