import { signal } from '@preact/signals'

/** Which view is shown. Kept behind the `#` of the address, so that the server needs to know one path only. */
export type Route =
  | { view: 'keys' }
  | { view: 'key'; id: string }
  | { view: 'debugger'; keyId: string }
  | { view: 'anomalies' }
  | { view: 'audit' }

export const route = signal<Route>(parseRoute(location.hash))

addEventListener('hashchange', () => {
  route.value = parseRoute(location.hash)
})

export function parseRoute(hash: string): Route {
  const [view = '', id = ''] = hash.replace(/^#\/?/, '').split('/').map(decode)
  if (view === 'keys' && id !== '') return { view: 'key', id }
  if (view === 'debugger') return { view: 'debugger', keyId: id }
  if (view === 'anomalies' || view === 'audit') return { view }
  return { view: 'keys' }
}

export const keyHref = (id: string) => `#/keys/${encodeURIComponent(id)}`
export const debuggerHref = (keyId = '') => `#/debugger${keyId && `/${encodeURIComponent(keyId)}`}`

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}
