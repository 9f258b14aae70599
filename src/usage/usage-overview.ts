import type { KeyRecord } from '../keys/key-record.ts'
import type { UsageCount } from '../stores/usage-store.ts'
import type { CountsByName } from './usage-report.ts'
import type { UsageWindow } from './usage-window.ts'

export const usageGroupings = ['source_type', 'workspace', 'key'] as const
export type UsageGrouping = (typeof usageGroupings)[number]

/** What the keys of one group accepted and refused. */
export interface UsageGroup {
  /** A source type, a workspace, or the id of a key; `null`: keys of no workspace. */
  readonly group: string | null
  /** Keys of the group that have accepted or refused anything. */
  readonly keys: number
  readonly accepted: number
  /** Refused requests. */
  readonly refused: number
  /** Refused requests as a part of them and accepted events, 0 to 1; `null`: there was nothing. */
  readonly successRate: number | null
  /** Refused requests by reason. */
  readonly reasons: CountsByName
  /** Accepted events and refused requests in each bucket of the window. */
  readonly series: readonly { readonly accepted: number; readonly refused: number }[]
}

/** What all keys accepted and refused in a window that ends now. */
export interface UsageOverview {
  readonly from: Date
  readonly to: Date
  readonly bucketMs: number
  /** When each bucket begins. */
  readonly starts: readonly Date[]
  readonly total: Omit<UsageGroup, 'group'>
  /** Most refused first, then most accepted; at most 1 000. */
  readonly groups: readonly UsageGroup[]
}

const maxGroups = 1_000

interface Tally {
  group: string | null
  ids: Set<string>
  accepted: number
  refused: number
  reasons: Record<string, number>
  /** By bucket. One list instead of an object per bucket: 20 000 groups would need 600 000 objects. */
  series: { accepted: number[]; refused: number[] }
}

/**
 * Adds up an overview part by part: for 20 000 keys over 30 days, doing it at once would take most of a
 * second.
 */
export interface OverviewTally {
  /** Adds what keys had in the bucket of the window with this index. Keys without a record are left out. */
  add(index: number, counts: readonly UsageCount[]): void
  toOverview(): UsageOverview
}

export function createOverviewTally(
  window: UsageWindow,
  groupBy: UsageGrouping,
  records: readonly KeyRecord[],
): OverviewTally {
  const buckets = window.starts.length
  const groupOf = new Map(records.map((record) => [record.id, groupName(record, groupBy)]))
  const total = emptyTally(null, buckets)
  const groups = new Map<string | null, Tally>()

  return {
    add(index, counts) {
      for (const count of counts) {
        const group = groupOf.get(count.keyId)
        if (group === undefined) continue
        let tally = groups.get(group)
        if (tally === undefined) {
          tally = emptyTally(group, buckets)
          groups.set(group, tally)
        }
        add(tally, index, count)
        add(total, index, count)
      }
    },

    toOverview() {
      const ranked = [...groups.values()].sort(
        (one, other) => other.refused - one.refused || other.accepted - one.accepted,
      )
      const { group: _, ...all } = toGroup(total)
      return {
        from: new Date(window.from),
        to: new Date(window.to),
        bucketMs: window.bucketMs,
        starts: window.starts.map((at) => new Date(at)),
        total: all,
        groups: ranked.slice(0, maxGroups).map(toGroup),
      }
    },
  }
}

function groupName(record: KeyRecord, groupBy: UsageGrouping): string | null {
  if (groupBy === 'key') return record.id
  return groupBy === 'workspace' ? record.workspace : record.sourceType
}

/** Without a prototype, like everything that is counted by name. */
function emptyTally(group: string | null, buckets: number): Tally {
  const series = {
    accepted: new Array<number>(buckets).fill(0),
    refused: new Array<number>(buckets).fill(0),
  }
  return { group, ids: new Set(), accepted: 0, refused: 0, reasons: Object.create(null), series }
}

function add(tally: Tally, index: number, { keyId, kind, name, count }: UsageCount): void {
  if (kind !== 'accepted' && kind !== 'refused') return
  tally.ids.add(keyId)
  tally[kind] += count
  tally.series[kind][index] = (tally.series[kind][index] as number) + count
  if (kind === 'refused') tally.reasons[name] = (tally.reasons[name] ?? 0) + count
}

function toGroup({ group, ids, accepted, refused, reasons, series }: Tally): UsageGroup {
  const all = accepted + refused
  return {
    group,
    keys: ids.size,
    accepted,
    refused,
    successRate: all === 0 ? null : accepted / all,
    reasons,
    series: series.accepted.map((count, index) => ({
      accepted: count,
      refused: series.refused[index] as number,
    })),
  }
}
