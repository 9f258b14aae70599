/**
 * The `Vary` value that names `field` besides what `current` names: no duplicates, in any case, and `*` stays `*`.
 *
 * @param current the header as set so far, in any form `res.getHeader('vary')` gives
 *
 * Source: RFC 9110, 12.5.5.
 */
export function appendVary(current: string | number | readonly string[] | undefined, field: string): string {
  if (current === undefined) return field
  const fields = (typeof current === 'object' ? current.join() : String(current))
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  if (fields.includes('*')) return '*'
  const seen = new Set<string>()
  const merged: string[] = []
  for (const name of [...fields, field]) {
    if (seen.has(name.toLowerCase())) continue
    seen.add(name.toLowerCase())
    merged.push(name)
  }
  return merged.join(', ')
}
