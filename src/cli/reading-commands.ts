import { createKeyNames } from '../admin/key-names.ts'
import { toKeyWithVolumeJson } from '../admin/key-schema.ts'
import { toAuditJson } from '../admin/routes/audit-log.ts'
import { toUsageJson } from '../admin/routes/usage.ts'
import type { KeyVolume, ListKeysQuery, WriteKey } from '../index.ts'
import { findKey, idOf } from './chosen-key.ts'
import { isJson, print, printJson, printTable } from './command-output.ts'
import type { Command, CommandRun } from './command-run.ts'
import { parseNumber } from './key-flags.ts'

/** Commands that change nothing. */
export const readingCommands: Readonly<Record<string, Command>> = {
  async list(run) {
    const { values, keys } = run
    const limit = values.limit === undefined ? {} : { limit: parseNumber('limit', String(values.limit)) }
    const filters = pick(values, {
      status: 'status',
      'source-type': 'sourceType',
      environment: 'environment',
      workspace: 'workspace',
      plan: 'plan',
      q: 'q',
      sort: 'sort',
      cursor: 'cursor',
    })
    const page = await keys.list({ ...filters, ...limit } as ListKeysQuery)
    let volumes = await keys.volumes(page.data.map(({ id }) => id))
    while (values.all === true && page.nextCursor !== null) {
      const next = await keys.list({ ...filters, limit: 100, cursor: page.nextCursor } as ListKeysQuery)
      volumes = new Map([...volumes, ...(await keys.volumes(next.data.map(({ id }) => id)))])
      page.data.push(...next.data)
      page.nextCursor = next.nextCursor
    }
    if (isJson(run)) {
      const data = page.data.map((key) => toKeyWithVolumeJson(key, volumes.get(key.id)))
      return printJson(run, { data, next_cursor: page.nextCursor })
    }
    const rows = page.data.map((key) => toListRow(key, volumes.get(key.id)))
    printTable(run, listHeading, rows)
    if (page.nextCursor !== null) print(run, `More: --cursor ${page.nextCursor}`)
  },

  async find(run) {
    await showKey(run, await findKey(run))
  },

  async show(run) {
    await showKey(run, await run.keys.get(idOf(run)))
  },

  async usage(run) {
    const id = idOf(run)
    const { window, zone } = run.values
    const usage = await run.keys.usage(id, {
      ...(window !== undefined && { window: String(window) }),
      ...(zone !== undefined && { zone: String(zone) }),
    })
    if (isJson(run)) return printJson(run, toUsageJson(id, usage))
    const rows = [
      ...Object.entries(usage.accepted).map(([type, count]) => ['accepted', type, count]),
      ...Object.entries(usage.refused).map(([reason, count]) => ['refused', reason, count]),
      ...Object.entries(usage.wouldRefuse).map(([reason, count]) => ['on trial', reason, count]),
    ]
    if (usage.triedTotal > 0) {
      const { wouldRefuseTotal, triedTotal } = usage
      print(run, `Rules on trial would have refused ${wouldRefuseTotal} of ${triedTotal} events`)
    }
    print(run, `From ${usage.from.toISOString()} to ${usage.to.toISOString()}`)
    print(run, `Last event: ${usage.lastEventAt?.toISOString() ?? 'never'}`)
    if (usage.quota !== null) {
      const { left, monthlyEvents, resetsAt } = usage.quota
      print(run, `Left this month: ${left} of ${monthlyEvents} events, until ${resetsAt.toISOString()}`)
    }
    printTable(run, ['OUTCOME', 'TYPE OR REASON', 'COUNT'], rows)
  },

  async audit(run) {
    const { values } = run
    const limit = values.limit === undefined ? {} : { limit: parseNumber('limit', String(values.limit)) }
    const page = await run.keys.audit({
      ...pick(values, { key: 'keyId', workspace: 'workspace', cursor: 'cursor' }),
      ...limit,
    })
    const names = await createKeyNames(run.keys, Date.now).of(page.data.map((entry) => entry.keyId))
    const data = page.data.map((entry) => toAuditJson(entry, names))
    if (isJson(run)) return printJson(run, { data, next_cursor: page.nextCursor })
    const rows = data.map(({ at, actor, address, action, key_id, after }) => [
      at,
      actor ?? '-',
      address ?? '-',
      action,
      key_id ?? '-',
      action === 'refused' || action === 'update' ? JSON.stringify(after) : '',
    ])
    printTable(run, ['AT', 'WHO', 'FROM', 'ACTION', 'KEY', 'WHAT'], rows)
    if (page.nextCursor !== null) print(run, `More: --cursor ${page.nextCursor}`)
  },
}

const listHeading = [
  'ID',
  'NAME',
  'SOURCE',
  'ENVIRONMENT',
  'STATUS',
  'CREATED',
  'LAST EVENT',
  '24H',
  'REFUSED',
]

function toListRow(key: WriteKey, volume: KeyVolume | undefined): unknown[] {
  return [
    key.id,
    key.name,
    key.sourceType,
    key.environment,
    key.effectiveStatus,
    key.createdAt.toISOString(),
    volume?.lastEventAt?.toISOString() ?? 'never',
    volume?.events24h ?? 0,
    volume?.rejected24h ?? 0,
  ]
}

async function showKey(run: CommandRun, key: WriteKey): Promise<void> {
  const volume = (await run.keys.volumes([key.id])).get(key.id)
  const json = toKeyWithVolumeJson(key, volume)
  if (isJson(run)) return printJson(run, json)
  const { secrets, ...fields } = json
  const rows = Object.entries(fields).map(([field, value]) => [field, describe(value)])
  printTable(run, ['FIELD', 'VALUE'], rows)
  print(run, '')
  const heading = ['SECRET', 'START', 'CREATED', 'ENDS', 'LAST USED']
  const ofSecrets = secrets.map((one) => [
    one.id,
    one.start === '' ? '-' : one.start,
    one.created_at,
    one.expires_at ?? '-',
    one.last_used_at ?? 'never',
  ])
  printTable(run, heading, ofSecrets)
}

function describe(value: unknown): string {
  if (value === null) return '-'
  if (Array.isArray(value)) return value.length === 0 ? '(none)' : value.join(', ')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

function pick(values: CommandRun['values'], names: Record<string, string>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(names)
      .filter(([flag]) => values[flag] !== undefined)
      .map(([flag, name]) => [name, values[flag]]),
  )
}
