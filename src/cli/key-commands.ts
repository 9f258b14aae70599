import { createKeyNames } from '../admin/key-names.ts'
import { toKeyJson, toKeyWithVolumeJson } from '../admin/key-schema.ts'
import { toAuditJson } from '../admin/routes/audit-log.ts'
import { toUsageJson } from '../admin/routes/usage.ts'
import type { CreateKeyInput, ListKeysQuery, UpdateKeyInput, WriteKey } from '../index.ts'
import { CliError, exitCodes, usageError } from './cli-error.ts'
import type { CommandRun } from './command-run.ts'
import { importKeys } from './import-command.ts'
import { parseNumber, toKeyFields } from './key-flags.ts'
import { shellActor } from './shell-actor.ts'
import { ask, formatTable, noteLine, printable, printLine, readInput } from './terminal.ts'

type Command = (run: CommandRun) => Promise<void>

export const keyCommands: Readonly<Record<string, Command>> = {
  async create(run) {
    const input = toKeyFields(run.values)
    const { writeKey, key } = await run.keys.create(input as unknown as CreateKeyInput, shellActor())
    if (isJson(run)) return printJson(run, { ...toKeyJson(writeKey), key })
    printSecret(run, writeKey, key)
  },

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
    const rows = page.data.map((key) => {
      const volume = volumes.get(key.id)
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
    })
    const heading = [
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
    printTable(run, heading, rows)
    if (page.nextCursor !== null) print(run, `More: --cursor ${page.nextCursor}`)
  },

  import: importKeys,

  async find(run) {
    await showKey(run, await findKey(run))
  },

  async show(run) {
    await showKey(run, await run.keys.get(idOf(run)))
  },

  async update(run) {
    const id = idOf(run)
    const changes = toKeyFields(run.values)
    if (Object.keys(changes).length === 0)
      throw usageError('Nothing to change: give at least one field, such as --name.')
    const version = run.values['if-version']
    const key = await run.keys.update(id, changes as UpdateKeyInput, {
      ...shellActor(),
      ...(version !== undefined && { version: parseNumber('if-version', String(version)) }),
    })
    if (isJson(run)) return printJson(run, toKeyJson(key))
    print(run, `Changed ${key.id} (${printable(key.name)}).`)
  },

  async rotate(run) {
    const hours = run.values['grace-period-hours']
    const { writeKey, key, graceExpiresAt } = await run.keys.rotate(idOf(run), {
      ...shellActor(),
      ...(hours !== undefined && { gracePeriodHours: parseNumber('grace-period-hours', String(hours)) }),
    })
    if (isJson(run)) {
      return printJson(run, { ...toKeyJson(writeKey), key, grace_expires_at: graceExpiresAt.toISOString() })
    }
    printSecret(run, writeKey, key)
    note(run, `Earlier secrets are accepted until ${graceExpiresAt.toISOString()}.`)
  },

  async pause(run) {
    const key = await run.keys.pause(idOf(run), shellActor())
    if (isJson(run)) return printJson(run, toKeyJson(key))
    print(run, `Paused ${key.id} (${printable(key.name)}). Every process refuses it with 429.`)
  },

  async resume(run) {
    const key = await run.keys.resume(idOf(run), shellActor())
    if (isJson(run)) return printJson(run, toKeyJson(key))
    print(run, `Resumed ${key.id} (${printable(key.name)}). Every process accepts it again.`)
  },

  async revoke(run) {
    const key = await confirm(run, 'Revoking cannot be undone')
    const revoked = await run.keys.revoke(key.id, shellActor())
    if (isJson(run)) return printJson(run, toKeyJson(revoked))
    print(run, `Revoked ${key.id} (${printable(key.name)}). No process accepts it any more.`)
  },

  async delete(run) {
    const key = await confirm(run, 'Deleting cannot be undone, and takes its usage along')
    await run.keys.remove(key.id, shellActor())
    if (isJson(run)) return printJson(run, { id: key.id, deleted: true })
    print(run, `Deleted ${key.id} (${printable(key.name)}). No process accepts it any more.`)
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
    ]
    print(run, `From ${usage.from.toISOString()} to ${usage.to.toISOString()}`)
    print(run, `Last event: ${usage.lastEventAt?.toISOString() ?? 'never'}`)
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

/** The key that the secret on standard input belongs to. */
async function findKey({ keys, args, terminal }: CommandRun): Promise<WriteKey> {
  if (args.length > 0) throw usageError('Give the secret on standard input alone, and no id.')
  if (terminal.stdin.isTTY === true) noteLine(terminal, 'Paste the secret, then press Enter and Ctrl-D:')
  const secret = await readInput(terminal)
  if (secret === '')
    throw usageError('Give the secret on standard input, e.g.: writekey find --secret-stdin < secret.txt')
  const key = await keys.find(secret)
  if (key === undefined) throw new CliError(exitCodes.refused, 'No write key has this secret.')
  return key
}

/** The key that is about to end, after somebody has said that it is the right one. */
async function confirm(run: CommandRun, warning: string): Promise<WriteKey> {
  if (run.values['secret-stdin'] === true) {
    // Whoever pipes a secret in cannot be asked over the same input.
    if (run.values.yes !== true) throw usageError(`${warning}: with --secret-stdin, confirm with --yes.`)
    return findKey(run)
  }
  const key = await run.keys.get(idOf(run))
  if (run.values.yes === true) return key
  const question = `${warning}. Type ${key.id} to go on with "${printable(key.name)}": `
  const answer = await ask(run.terminal, question)
  if (answer === undefined) throw usageError(`${warning}: confirm with --yes.`)
  if (answer.trim() !== key.id) throw new CliError(exitCodes.refused, 'Not confirmed; nothing was changed.')
  return key
}

function idOf({ args }: CommandRun): string {
  const [id, ...more] = args
  if (id === undefined) throw usageError('The id of a write key is missing (wk_…).')
  if (more.length > 0) throw usageError('One id at a time, please.')
  return id
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

function isJson({ values }: CommandRun): boolean {
  return values.json === true
}

function print({ terminal }: CommandRun, line: string): void {
  printLine(terminal, line)
}

function printTable(
  { terminal }: CommandRun,
  heading: readonly string[],
  rows: readonly (readonly unknown[])[],
): void {
  for (const line of formatTable(heading, rows)) printLine(terminal, line)
}

function printJson(run: CommandRun, value: unknown): void {
  print(run, JSON.stringify(value))
}

/** The secret alone goes to standard output, so that a pipe takes it and nothing else. */
function printSecret(run: CommandRun, key: WriteKey, secret: string): void {
  note(run, `Write key ${key.id} (${printable(key.name)}). Its secret is shown now and never again:`)
  print(run, secret)
}

function note({ terminal }: CommandRun, line: string): void {
  noteLine(terminal, line)
}
