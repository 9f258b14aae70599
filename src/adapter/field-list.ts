/**
 * A header value that is a list of field names: `current` with those of `added` that it lacks. No duplicates,
 * in any case, and `*` stays `*`.
 *
 * @param current the header as set so far, in any form that `res.getHeader(…)` returns
 *
 * Source: RFC 9110, 5.6.1 and 12.5.5.
 */
export function appendFields(
  current: string | number | readonly string[] | undefined,
  added: string,
): string {
  if (current === undefined) return added
  const fields = (typeof current === 'object' ? current.join() : String(current))
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  if (fields.includes('*')) return '*'
  const seen = new Set<string>()
  const merged: string[] = []
  for (const name of [...fields, ...added.split(',')]) {
    const field = name.trim()
    if (seen.has(field.toLowerCase())) continue
    seen.add(field.toLowerCase())
    merged.push(field)
  }
  return merged.join(', ')
}
