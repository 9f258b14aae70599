import {
  claimLifeMs,
  type DecisionPage,
  type FleetStore,
  keptInAll,
  keptOfSender,
  keptPages,
  keptSightings,
  pageLifeMs,
  type Sighting,
  type StoredSighting,
} from './fleet-store.ts'

const hourMs = 3_600_000
const toHour = (at: number) => at - (at % hourMs)

/** The fleet of a memory store: everything that shares it. */
export interface MemoryFleet extends FleetStore {
  isWatched(): boolean
  forget(keyId: string): void
}

export function createMemoryFleet(now: () => number = Date.now): MemoryFleet {
  const sightings = new Map<string, StoredSighting>()
  let pages: (DecisionPage & { at: number })[] = []
  const claims = new Map<string, number>()
  let watchedUntil = Number.NEGATIVE_INFINITY

  function dropCrowded(): void {
    const places = new Map<string, number>()
    const take = (group: string) => {
      const place = (places.get(group) ?? 0) + 1
      places.set(group, place)
      return place
    }
    const placed = [...sightings.values()]
      .sort((one, other) => other.count - one.count || other.lastAt - one.lastAt)
      .flatMap((sighting) => {
        const { keyId, kind, name, sender } = sighting
        const group = JSON.stringify([keyId, kind, name])
        // A sender beyond its places takes none from others.
        if (sender !== null && take(`${group} ${sender}`) > keptOfSender) return []
        return [{ sighting, place: take(group) }]
      })
    const kept = placed
      .filter(({ place }) => place <= keptSightings)
      .sort((one, other) => one.place - other.place || other.sighting.lastAt - one.sighting.lastAt)
      .slice(0, keptInAll)
    const ids = new Set(kept.map(({ sighting }) => sighting.id))
    for (const id of sightings.keys()) if (!ids.has(id)) sightings.delete(id)
  }

  return {
    add(seen) {
      for (const one of seen) {
        sightings.set(one.id, addTo(sightings.get(one.id), one))
      }
    },
    list({ kind, keyIds, since, limit }) {
      return [...sightings.values()]
        .filter((one) => one.kind === kind && one.lastAt >= since)
        .filter(({ keyId }) => keyIds === undefined || (keyId !== null && keyIds.includes(keyId)))
        .sort((one, other) => other.lastAt - one.lastAt)
        .slice(0, limit)
    },
    prune(pruning) {
      const before = pruning.now - pruning.keptMs
      for (const [id, { lastAt }] of sightings) if (lastAt < before) sightings.delete(id)
      for (const [id, at] of claims) if (now() - at > claimLifeMs) claims.delete(id)
      dropCrowded()
      pages = pages.filter(({ at }) => now() - at < pageLifeMs)
    },
    look(forMs) {
      watchedUntil = Math.max(watchedUntil, now() + forMs)
    },
    claim(id) {
      if (claims.has(id)) return false
      claims.set(id, now())
      return true
    },
    put(page) {
      pages = pages.filter(
        ({ process, number }) => process !== page.process || number > page.number - keptPages,
      )
      pages.push({ ...page, at: now() })
    },
    read(known) {
      return pages
        .filter(({ at, process, number }) => now() - at < pageLifeMs && number > (known.get(process) ?? 0))
        .map(({ at: _, ...page }) => page)
        .sort((one, other) => one.number - other.number)
    },
    isWatched: () => watchedUntil > now(),
    forget(keyId) {
      for (const [id, sighting] of sightings) if (sighting.keyId === keyId) sightings.delete(id)
    },
  }
}

/** The sightings of one thing so far and one more, as one. */
function addTo(known: StoredSighting | undefined, one: Sighting): StoredSighting {
  const hour = toHour(one.lastAt)
  const knownHour = known === undefined ? hour : toHour(known.lastAt)
  return {
    ...one,
    count: one.count + (known?.count ?? 0),
    firstAt: Math.min(one.firstAt, known?.firstAt ?? one.firstAt),
    lastAt: Math.max(one.lastAt, known?.lastAt ?? one.lastAt),
    lastHour: one.count + (known !== undefined && hour === knownHour ? known.lastHour : 0),
    hourBefore: hourBefore(known, hour, knownHour),
  }
}

function hourBefore(known: StoredSighting | undefined, hour: number, knownHour: number): number {
  if (known === undefined) return 0
  if (hour === knownHour) return known.hourBefore
  return hour === knownHour + hourMs ? known.lastHour : 0
}
