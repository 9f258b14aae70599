import { signal } from '@preact/signals'
import { guard } from './guard.ts'
import { withoutSecrets } from './words/secret-in-text.ts'

/**
 * The current view. It is kept after the `#` of the address, so that the server has to know only one path.
 */
export type Route =
  | { view: 'keys' }
  | { view: 'key'; id: string }
  | { view: 'debugger' }
  | { view: 'anomalies' }
  | { view: 'audit' }

const typedSettings = new Set(['q', 'name', 'origin', 'address', 'process', 'environment', 'workspace'])

/** Settings of the view, such as filters, after a `?` in the hash. A link shows the same to a colleague. */
export const query = signal<Readonly<Record<string, string>>>(parseHash(location.hash).query)
export const route = signal<Route>(parseHash(location.hash).route)

// A code that signs in is not a view, and must not come back into the address.
let shownHash = location.hash.startsWith('#code=') ? '' : location.hash

addEventListener('hashchange', () => {
  const wanted = location.hash
  if (wanted === shownHash) return
  if (guard.value === null) {
    show(wanted)
    return
  }
  // "Back" has moved already: stay at the unsaved data until the user has answered.
  history.pushState(null, '', shownHash === '' ? location.pathname : shownHash)
  guard.value.ask(() => {
    location.hash = wanted
  })
})

function show(hash: string): void {
  const next = parseHash(hash)
  shownHash = hash
  query.value = next.query
  if (JSON.stringify(next.route) !== JSON.stringify(route.peek())) route.value = next.route
}

/** Changes the part after the `?`; an empty text removes it. The history keeps one entry per view. */
export function setQuery(changes: Readonly<Record<string, string>>): void {
  const next = Object.entries({ ...query.peek(), ...changes })
    .map(withoutTyped)
    .filter(([, value]) => value !== '')
  const path = location.hash.split('?', 1)[0] || '#/'
  const text = new URLSearchParams(next).toString()
  shownHash = text === '' ? path : `${path}?${text}`
  history.replaceState(null, '', shownHash)
  query.value = Object.fromEntries(next)
}

/** Somebody may type or paste a secret where text is taken. Ids are made by the server, and look as random. */
function withoutTyped([name, value]: [string, string]): [string, string] {
  return [name, typedSettings.has(name) ? withoutSecrets(value) : value]
}

function parseHash(hash: string): { route: Route; query: Record<string, string> } {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split(/\?(.*)/s)
  const [view = '', id = ''] = path.split('/').map(decode)
  const given = [...new URLSearchParams(search)].map(withoutTyped)
  const query = Object.fromEntries(given)
  if (view === 'keys' && id !== '') return { route: { view: 'key', id }, query }
  if (view === 'debugger') return { route: { view }, query: id === '' ? query : { key_id: id, ...query } }
  if (view === 'anomalies' || view === 'audit') return { route: { view }, query }
  return { route: { view: 'keys' }, query }
}

export const keyHref = (id: string) => `#/keys/${encodeURIComponent(id)}`

/** The debugger with these filters. */
export function debuggerHref(filters: Readonly<Record<string, string | null>> = {}): string {
  const given = Object.entries(filters).filter((entry): entry is [string, string] => !!entry[1])
  return `#/debugger${given.length > 0 ? `?${new URLSearchParams(given)}` : ''}`
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}
