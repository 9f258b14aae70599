import type { CredentialSource } from '../index.ts'
import type { IngestApi } from '../ingest/index.ts'

/**
 * The endpoints of SDKs, which read the key at these places too. Not where the path holds the key: such a
 * request has it already.
 */
export function withAddedPlaces(api: IngestApi, places: readonly CredentialSource[]): IngestApi {
  if (places.length === 0) return api
  type Route = NonNullable<ReturnType<IngestApi['find']>>
  // One list for each route, frozen, so that verification compiles it once.
  const known = new WeakMap<Route, Route>()

  function add(route: Route): Route {
    const { reading } = route
    const own = [reading.credentials].flat() as CredentialSource[]
    const credentials = Object.freeze([...own, ...places.filter((place) => !own.includes(place))])
    return { ...route, reading: { ...reading, credentials } }
  }

  return {
    ...api,
    find(path) {
      const route = api.find(path)
      if (route === undefined || route.path.includes(':key')) return route
      const added = known.get(route) ?? add(route)
      known.set(route, added)
      return added
    },
  }
}
