import { keyCsvColumns } from '../admin/key-csv.ts'
import type { CommandRun, KeyPageJson, ListedKeyJson } from './command-run.ts'
import { seconds } from './moments.ts'
import { printPages } from './pages.ts'
import { noteUnknownPlans } from './plan-note.ts'
import type { Column } from './table.ts'
import type { Colour } from './terminal.ts'

const filters = ['status', 'concern', 'source-type', 'environment', 'workspace', 'plan', 'q', 'sort'] as const

export async function listKeys(run: CommandRun): Promise<void> {
  // The table shows the effective status, too.
  const fieldOf = (flag: string) => (flag === 'status' ? 'effective_status' : flag.replace('-', '_'))
  const query = Object.fromEntries(filters.map((flag) => [fieldOf(flag), run.values[flag]]))
  const plans = new Set<string | null>()
  await printPages<ListedKeyJson>(run, {
    async ask(page) {
      const answer = await run.client.call<KeyPageJson>('', { query: { ...query, ...page } })
      for (const { plan } of answer.data) plans.add(plan)
      return answer
    },
    columns,
    csv: keyCsvColumns,
  })
  noteUnknownPlans(run, plans)
}

const statusColours: Readonly<Record<ListedKeyJson['effective_status'], Colour>> = {
  active: 'good',
  rotating: 'good',
  paused: 'warn',
  expired: 'bad',
  revoked: 'bad',
}

const columns: readonly Column<ListedKeyJson>[] = [
  { heading: 'ID', read: ({ id }) => id },
  { heading: 'NAME', read: ({ name }) => name, cut: true },
  { heading: 'SOURCE', read: (key) => key.source_type, leaveOut: 4 },
  { heading: 'ENVIRONMENT', read: ({ environment }) => environment, leaveOut: 2 },
  {
    heading: 'STATUS',
    read: (key) => key.effective_status,
    colour: (key) => statusColours[key.effective_status],
  },
  { heading: 'WORKSPACE', read: ({ workspace }) => workspace ?? '-', leaveOut: 3 },
  {
    heading: 'RATE',
    read: ({ effective_rate_limit_eps: eps }) => (eps === null ? '-' : `${eps}/s`),
    leaveOut: 5,
  },
  { heading: 'CREATED', read: (key) => seconds(key.created_at), leaveOut: 7 },
  { heading: 'LAST EVENT', read: (key) => seconds(key.last_event_at) ?? 'never', leaveOut: 6 },
  { heading: '24H', read: (key) => key.events_24h, leaveOut: 1 },
  {
    heading: 'REFUSED',
    read: (key) => key.rejected_24h,
    colour: (key) => (key.rejected_24h > 0 ? 'warn' : undefined),
    leaveOut: 1,
  },
]
