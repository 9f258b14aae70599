import type { Api, KeyPage } from '../api/client.ts'
import type { UsageOverview, WriteKey } from '../api/wire.ts'
import { currentSecret, graceEnd, rotateAfterMs } from './key-status.ts'

export interface Attention {
  kind: 'refusing' | 'grace' | 'old' | 'unused'
  id: string
  name: string
  environment: string
  workspace: string | null
  start: string | null
  what: string
}

const dayMs = 86_400_000
const unusedMs = 30 * dayMs
const graceMs = dayMs
const mostRotating = 500
/** Of what is refused, from when on it is worth a look; and of how many requests. */
const refusedShare = 0.05
const fewRequests = 20

/** What somebody should look at, the most urgent first, from any number of keys. */
export async function findAttention(api: Api, overview: UsageOverview, now: number): Promise<Attention[]> {
  const [quiet, old, rotating] = await Promise.all([
    api.listKeys({ effective_status: 'active', sort: 'last_event_at', limit: '100' }),
    api.listKeys({ effective_status: 'active', sort: 'created_at', limit: '100' }),
    findRotating(api),
  ])
  const known = new Map([...old.data, ...quiet.data, ...rotating].map((key) => [key.id, key]))
  const refusing = overview.data.flatMap(({ key, group, accepted, refused, success_rate: rate }) =>
    key !== null &&
    group !== null &&
    rate !== null &&
    1 - rate > refusedShare &&
    accepted + refused >= fewRequests
      ? [{ ...key, kind: 'refusing' as const, id: group, what: `${Math.round((1 - rate) * 100)} % refused` }]
      : [],
  )
  const ofKeys = [...known.values()].flatMap((key) => [...concernsOf(key, now)])
  const order = ['refusing', 'grace', 'old', 'unused']
  return [...refusing, ...ofKeys].sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind))
}

/** The newest keys that rotate, whatever they send. */
async function findRotating(api: Api): Promise<WriteKey[]> {
  const keys: WriteKey[] = []
  let cursor: string | null = null
  do {
    const page: KeyPage = await api.listKeys({ effective_status: 'rotating', limit: '100', cursor })
    keys.push(...page.data)
    cursor = page.next_cursor
  } while (cursor !== null && keys.length < mostRotating)
  return keys
}

function* concernsOf(key: WriteKey, now: number): Generator<Attention> {
  const { id, name, environment, workspace } = key
  const secret = currentSecret(key)
  const about = { id, name, environment, workspace, start: secret?.start ?? null }
  const end = graceEnd(key, now)
  if (end !== null && Date.parse(end) - now < graceMs)
    yield { ...about, kind: 'grace', what: 'an old secret ends within a day' }
  const isUsed = key.last_event_at ? now - Date.parse(key.last_event_at) < unusedMs : false
  if (isUsed && secret !== undefined && now - Date.parse(secret.created_at) > rotateAfterMs)
    yield { ...about, kind: 'old', what: `secret ${days(secret.created_at, now)} days old` }
  if (!isUsed && now - Date.parse(key.created_at) > unusedMs)
    yield {
      ...about,
      kind: 'unused',
      what: key.last_event_at ? `unused for ${days(key.last_event_at, now)} days` : 'never used',
    }
}

function days(since: string, now: number): number {
  return Math.floor((now - Date.parse(since)) / dayMs)
}
