import type { Concern } from '../../../src/keys/concern.ts'
import type { Api, KeyPage } from '../api/client.ts'
import type { UsageOverview, WriteKey } from '../api/wire.ts'
import { currentSecret } from './key-status.ts'

interface Attention {
  kind: 'refusing' | 'grace' | 'old' | 'unused'
  id: string
  name: string
  environment: string
  workspace: string | null
  start: string | null
  what: string
}

const dayMs = 86_400_000
/** The share of refusals that needs attention, and the least number of requests for it. */
const refusedShare = 0.05
const fewRequests = 20

/** Keys that somebody should look at, the most urgent first: how many there are, and those that fit on the page. */
export interface AttentionList {
  found: Attention[]
  total: number
}

/** The server finds them among all keys, and gives a page of each kind. */
export async function findAttention(api: Api, overview: UsageOverview, now: number): Promise<AttentionList> {
  const ask = (concern: Concern) => api.listKeys({ concern, sort: 'created_at', limit: '100' })
  const [grace, old, unused] = await Promise.all([ask('grace_ending'), ask('old_secret'), ask('unused')])
  const refusing = overview.data.flatMap(({ key, group, accepted, refused, success_rate: rate }) =>
    key !== null &&
    group !== null &&
    rate !== null &&
    1 - rate > refusedShare &&
    accepted + refused >= fewRequests
      ? [{ ...key, kind: 'refusing' as const, id: group, what: `${Math.round((1 - rate) * 100)} % refused` }]
      : [],
  )
  const found = [
    ...refusing,
    ...grace.data.map((key) => about(key, 'grace', 'an old secret ends within a day')),
    ...old.data.map((key) =>
      about(key, 'old', `secret ${days(currentSecret(key)?.created_at, now)} days old`),
    ),
    ...unused.data.map((key) =>
      about(
        key,
        'unused',
        key.last_event_at ? `unused for ${days(key.last_event_at, now)} days` : 'never used',
      ),
    ),
  ]
  const countOf = (page: KeyPage) => page.total ?? page.data.length
  return { found, total: refusing.length + countOf(grace) + countOf(old) + countOf(unused) }
}

function about(key: WriteKey, kind: Attention['kind'], what: string): Attention {
  const { id, name, environment, workspace } = key
  return { id, name, environment, workspace, start: currentSecret(key)?.start ?? null, kind, what }
}

function days(since: string | undefined, now: number): number {
  return Math.floor((now - Date.parse(since ?? '')) / dayMs)
}
