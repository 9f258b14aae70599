import type { UsageStore, UsageSumQuery } from '../stores/usage-store.ts'
import { usageBucketMs } from '../stores/usage-store.ts'

type Sums = ReadonlyMap<string, number>
type AskSums = NonNullable<UsageStore['sums']>

/** Sums of fewer keys are read quickly enough. */
const fewKeys = 1_000
/** Keys that are remembered of each kind, some 100 bytes each. */
const mostKept = 250_000
const hourMs = 3_600_000
/** After an hour has ended, the processes take up to this long to store what they have counted in it. */
const settledAfterMs = 2 * usageBucketMs

/**
 * Adds up a day of many keys. Pages that show such a list ask again every few seconds, so the full hours that
 * have ended are read once, and their sum is kept until the day no longer begins with the same hour. What a
 * process stores later, because it had lost the store, is in the order an hour later. Undefined when the store
 * does not add up.
 */
export function createSettledSums(usage: UsageStore | undefined): AskSums | undefined {
  const ask = usage?.sums?.bind(usage)
  if (ask === undefined) return undefined
  const kept = new Map<UsageSumQuery['kind'], { from: number; to: number; sums: Map<string, number> }>()

  const settled = async (
    kind: UsageSumQuery['kind'],
    keyIds: readonly string[],
    from: number,
    to: number,
  ) => {
    let one = kept.get(kind)
    if (one?.from !== from || one.to !== to) one = { from, to, sums: new Map() }
    const { sums } = one
    const missing = keyIds.filter((id) => !sums.has(id))
    if (missing.length > 0) {
      const found = await ask({ kind, keyIds: missing, from, to })
      for (const id of missing) sums.set(id, found.get(id) ?? 0)
    }
    if (sums.size <= mostKept) kept.set(kind, one)
    else kept.delete(kind)
    return sums
  }

  return async (query) => {
    const { kind, keyIds, from, to } = query
    const first = Math.ceil(from / hourMs) * hourMs
    const last = Math.floor((to - settledAfterMs) / hourMs) * hourMs
    if (keyIds.length <= fewKeys || first >= last) return ask(query)
    const parts: Sums[] = [await settled(kind, keyIds, first, last)]
    for (const part of [
      { from, to: first },
      { from: last, to },
    ])
      if (part.from < part.to) parts.push(await ask({ kind, keyIds, ...part }))
    return new Map(keyIds.map((id) => [id, parts.reduce((sum, part) => sum + (part.get(id) ?? 0), 0)]))
  }
}
