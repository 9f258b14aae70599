/** The page may load only what its own origin serves. Nothing inline runs. */
const sources = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
]

/**
 * Headers of everything the page consists of.
 * @param frameAncestors origins whose pages may frame it, `self` being its own; none = nobody frames it
 */
export function pageHeaders(frameAncestors: readonly string[]): Readonly<Record<string, string>> {
  const framers = frameAncestors.map((origin) => (origin === 'self' ? "'self'" : origin))
  const policy = [
    ...sources,
    `frame-ancestors ${framers.length === 0 ? "'none'" : framers.join(' ')}`,
    "base-uri 'none'",
    "form-action 'none'",
  ]
  return {
    'content-security-policy': policy.join('; '),
    // It knows no list of origins: where there is one, the policy above says it all.
    ...(framers.length === 0 && { 'x-frame-options': 'DENY' }),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
  }
}
