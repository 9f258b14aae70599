const separator = ', skipped without '

/** The name under which a suite is listed when its service is not reachable. */
export function nameSkippedSuite(suite: string, service: string): string {
  return suite + separator + service
}

/** The two parts of such a name; undefined for any other suite. */
export function parseSkippedSuite(name: string): { suite: string; service: string } | undefined {
  const at = name.lastIndexOf(separator)
  return at < 0 ? undefined : { suite: name.slice(0, at), service: name.slice(at + separator.length) }
}
