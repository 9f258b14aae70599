const targets = [
  '/v1/page\\track',
  '/v1/./track',
  '/v1/page/../track',
  '/v1/track/.',
  '/v1/%2e%2E/v1/track',
  '/v1/.%2e/v1/track',
  'http://localhost/v1/page\\track',
]

/** Golden requests whose target a URL parser folds before any router or adapter sees it. */
export const foldedByUrlParsers: Readonly<Record<string, string>> = Object.fromEntries(
  targets.map((target) => [`${target} is ambiguous`, new URL(target, 'http://localhost').pathname]),
)
