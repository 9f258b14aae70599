import type { z } from 'zod'
import type { auditEntrySchema } from '../admin/routes/audit-log.ts'
import type { usageSchema } from '../admin/routes/usage.ts'
import { findKey, keyPath } from './chosen-key.ts'
import { usageError } from './cli-error.ts'
import { isJson, note, print, printCsv, printJson, printTable } from './command-output.ts'
import type { Command, CommandRun, ListedKeyJson } from './command-run.ts'
import { listKeys } from './list-command.ts'
import { seconds } from './moments.ts'
import { printPages } from './pages.ts'
import { noteUnknownPlans } from './plan-note.ts'
import type { Column } from './table.ts'
import { showOverview } from './usage-overview-command.ts'

type AuditEntry = z.output<typeof auditEntrySchema>
type Usage = z.output<typeof usageSchema>

/** Commands that change nothing. */
export const readingCommands = {
  list: listKeys,

  async find(run) {
    showKey(run, await findKey(run))
  },

  async show(run) {
    showKey(run, await run.client.call<ListedKeyJson>(keyPath(run)))
  },

  async usage(run) {
    if (run.args.length === 0) return showOverview(run)
    if (run.values['group-by'] !== undefined)
      throw usageError('--group-by is for all keys: leave out the id.')
    const { window, zone } = run.values
    const usage = await run.client.call<Usage>(`${keyPath(run)}/usage`, { query: { window, zone } })
    if (usage.quota === null) await noteUnknownQuota(run)
    if (isJson(run)) return printJson(run, usage)
    const rows = [
      ...Object.entries(usage.accepted).map(([type, count]) => ['accepted', type, count]),
      ...Object.entries(usage.refused).map(([reason, count]) => ['refused', reason, count]),
      ...Object.entries(usage.would_refuse).map(([reason, count]) => ['on trial', reason, count]),
    ]
    if (run.values.csv === true) {
      for (const cells of [['outcome', 'type_or_reason', 'count'], ...rows]) printCsv(run, cells)
      return
    }
    const { tried_total: tried, would_refuse_total: would, quota } = usage
    if (tried > 0) print(run, `Rules on trial would have refused ${would} of ${tried} events`)
    print(run, `From ${seconds(usage.from)} to ${seconds(usage.to)}`)
    print(run, `Last event: ${seconds(usage.last_event_at) ?? 'never'}`)
    if (quota !== null)
      print(
        run,
        `Left this month: ${quota.left} of ${quota.monthly_events} events, until ${seconds(quota.resets_at)}`,
      )
    const columns = ['OUTCOME', 'TYPE OR REASON', 'COUNT'].map((heading, index) => ({
      heading,
      read: (row: (typeof rows)[number]) => row[index],
    }))
    if (rows.length === 0) note(run, 'There was no event and no refusal.')
    else printTable(run, columns, rows)
  },

  async audit(run) {
    const { key, workspace } = run.values
    await printPages<AuditEntry>(run, {
      ask: (query) => run.client.read('/audit-log', { key_id: key, workspace, ...query }),
      columns: auditColumns,
      csv: auditCsv,
    })
  },
} as const satisfies Readonly<Record<string, Command>>

const auditColumns: readonly Column<AuditEntry>[] = [
  { heading: 'AT', read: ({ at }) => at },
  { heading: 'WHO', read: ({ actor }) => actor ?? '-', cut: true },
  { heading: 'FROM', read: ({ address }) => address ?? '-', leaveOut: 3 },
  { heading: 'ACTION', read: ({ action }) => action },
  { heading: 'KEY', read: ({ key_id: id }) => id ?? '-', leaveOut: 2 },
  { heading: 'NAME', read: ({ key }) => key?.name ?? '-', cut: true, leaveOut: 1 },
  {
    heading: 'WHAT',
    read: ({ action, after }) => (action === 'refused' || action === 'update' ? JSON.stringify(after) : ''),
    leaveOut: 4,
  },
]

const auditCsv = {
  at: ({ at }: AuditEntry) => at,
  actor: ({ actor }: AuditEntry) => actor,
  address: ({ address }: AuditEntry) => address,
  action: ({ action }: AuditEntry) => action,
  key_id: ({ key_id }: AuditEntry) => key_id,
  key_name: ({ key }: AuditEntry) => key?.name,
  workspace: ({ workspace }: AuditEntry) => workspace,
  before: ({ before }: AuditEntry) => before,
  after: ({ after }: AuditEntry) => after,
}

/** On a store, only WRITEKEY_PLANS tells whether a plan has a quota. */
async function noteUnknownQuota(run: CommandRun): Promise<void> {
  if (run.values.api !== undefined || run.terminal.env.WRITEKEY_PLANS !== undefined) return
  const { plan } = await run.client.call<ListedKeyJson>(keyPath(run))
  noteUnknownPlans(run, [plan])
}

function showKey(run: CommandRun, key: ListedKeyJson): void {
  noteUnknownPlans(run, [key.plan])
  if (isJson(run)) {
    printJson(run, key)
    return
  }
  const { secrets, hourly_24h: _, ...fields } = key
  const rows = Object.entries(fields).map(([field, value]) => [field, describe(value)])
  const columns = ['FIELD', 'VALUE'].map((heading, index) => ({
    heading,
    read: (row: string[]) => row[index],
  }))
  printTable(run, columns, rows)
  print(run, '')
  printTable(run, secretColumns, secrets)
}

const secretColumns: readonly Column<ListedKeyJson['secrets'][number]>[] = [
  { heading: 'SECRET', read: ({ id }) => id, leaveOut: 2 },
  { heading: 'START', read: ({ start }) => (start === '' ? '-' : start) },
  { heading: 'CREATED', read: ({ created_at: at }) => seconds(at), leaveOut: 3 },
  { heading: 'ENDS', read: ({ expires_at: at }) => seconds(at) ?? '-' },
  { heading: 'LAST USED', read: ({ last_used_at: at }) => seconds(at) ?? 'never', leaveOut: 1 },
]

function describe(value: unknown): string {
  if (value === null) return '-'
  if (Array.isArray(value)) return value.length === 0 ? '(none)' : value.join(', ')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
