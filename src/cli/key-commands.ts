import { maxGraceHours } from '../keys/lifecycle.ts'
import type { Values } from './arguments.ts'
import { confirm, keyPath } from './chosen-key.ts'
import { CliError, exitCodes, usageError } from './cli-error.ts'
import { called, isJson, note, print, printJson, printSecret } from './command-output.ts'
import type { Command, CommandRun, CreatedKeyJson, KeyJson, RotatedKeyJson } from './command-run.ts'
import { parseNumber, toKeyFields } from './key-flags.ts'
import { noteUncheckedPlans } from './plan-note.ts'

/** Commands that change a key. */
export const keyCommands = {
  async create(run) {
    const body = toKeyFields(run.values, Date.now())
    const created = await run.client.call<CreatedKeyJson>('', { method: 'POST', body })
    noteUncheckedPlans(run, [body.plan])
    if (isJson(run)) return printJson(run, created)
    printSecret(run, created)
  },

  async update(run) {
    const path = keyPath(run)
    const changes = toKeyFields(run.values, Date.now())
    if (Object.keys(changes).length === 0)
      throw usageError('Nothing to change: give at least one field, such as --name.')
    const flag = run.values['if-version']
    const version = flag === undefined ? undefined : parseNumber('if-version', String(flag))
    const body = { ...changes, ...(version !== undefined && { version }) }
    // Only people are told whether anything changed; JSON has the version.
    const seen = isJson(run) ? undefined : (version ?? (await run.client.call<KeyJson>(path)).version)
    const key = await run.client.call<KeyJson>(path, { method: 'PATCH', body })
    noteUncheckedPlans(run, [changes.plan])
    if (isJson(run)) return printJson(run, key)
    const isChanged = key.version !== seen
    print(run, isChanged ? `Changed ${called(key)}.` : `${called(key)} is like that already.`)
    return isChanged ? undefined : 'unchanged'
  },

  async rotate(run) {
    const hours = run.values['grace-period-hours']
    const body = hours === undefined ? {} : { grace_period_hours: parseHours(String(hours)) }
    const rotated = await run.client.call<RotatedKeyJson>(`${keyPath(run)}/rotate`, { method: 'POST', body })
    if (isJson(run)) return printJson(run, rotated)
    printSecret(run, rotated)
    note(
      run,
      hours === '0'
        ? 'Earlier secrets are not accepted any more.'
        : `Earlier secrets are accepted until ${rotated.grace_expires_at}.`,
    )
  },

  pause: changing('POST', '/pause', (key) => `Paused ${key}. Every process refuses it with 429.`),
  resume: changing('POST', '/resume', (key, status) =>
    status === 'expired'
      ? `Resumed ${key}. It has expired, so every process still refuses it.`
      : `Resumed ${key}. Every process accepts it again.`,
  ),
  'enforce-trial': changing('POST', '/trial/enforce', (key) => `Enforced what was on trial for ${key}.`),
  'drop-trial': changing('DELETE', '/trial', (key) => `Dropped what was on trial for ${key}.`),

  async 'end-grace'(run) {
    const secret = earlierSecret(run, await run.client.call<KeyJson>(keyPath(run)))
    const { id } = await confirm(run, `What still sends with ${beginning(secret)} is refused from now on`)
    const key = await run.client.call<KeyJson>(`/${id}/secrets/${secret.id}`, { method: 'DELETE' })
    if (isJson(run)) return printJson(run, key)
    print(run, `Ended the secret ${beginning(secret)} of ${called(key)}. No process accepts it any more.`)
  },

  async revoke(run) {
    const { id } = await confirm(run, 'Revoking cannot be undone')
    const key = await run.client.call<KeyJson>(`/${id}/revoke`, { method: 'POST' })
    if (isJson(run)) return printJson(run, key)
    print(run, `Revoked ${called(key)}. No process accepts it any more.`)
  },

  async delete(run) {
    const key = await confirm(run, 'Deleting cannot be undone, and deletes its usage too')
    await run.client.call(`/${key.id}`, { method: 'DELETE' })
    if (isJson(run)) return printJson(run, { id: key.id, deleted: true })
    print(run, `Deleted ${called(key)}. No process accepts it any more.`)
  },
} as const satisfies Readonly<Record<string, Command>>

/** @throws CliError when `create` lacks what every key has */
export function assertNamed(values: Values): void {
  const missing = ['name', 'source-type'].filter((flag) => values[flag] === undefined)
  if (missing.length > 0)
    throw usageError(
      `create needs ${missing.map((flag) => `--${flag}`).join(' and ')}, e.g.: writekey create --name "Web App" --source-type web`,
    )
}

/** The secret in grace that `--secret` names, or the only one. */
function earlierSecret(
  { values: { secret: id } }: CommandRun,
  { secrets }: KeyJson,
): KeyJson['secrets'][number] {
  const inGrace = secrets.filter(({ expires_at: at }) => at !== null && Date.parse(at) > Date.now())
  const [only, ...more] = id === undefined ? inGrace : inGrace.filter((secret) => secret.id === id)
  if (only === undefined)
    throw new CliError(
      exitCodes.refused,
      id === undefined
        ? 'No earlier secret of this key is in grace.'
        : 'This key has no secret in grace with this id; writekey show prints the ids.',
    )
  if (more.length > 0)
    throw usageError(
      `Several secrets are in grace; name one with --secret: ${[only, ...more].map((one) => `${one.id} (${beginning(one)})`).join(', ')}.`,
    )
  return only
}

/** Nothing is known of a secret that was imported as a hash. */
function beginning({ id, start }: KeyJson['secrets'][number]): string {
  return start === '' ? id : `${start}…`
}

function parseHours(text: string): number {
  const hours = /^\d{1,5}(\.\d{1,9})?$/.test(text) ? Number(text) : Number.NaN
  if (hours <= maxGraceHours) return hours
  throw usageError(`--grace-period-hours must be a number from 0 to ${maxGraceHours}.`)
}

/** A change that needs nothing but the key. */
function changing(
  method: 'POST' | 'DELETE',
  action: string,
  told: (key: string, status: KeyJson['effective_status']) => string,
): Command {
  return async (run) => {
    const key = await run.client.call<KeyJson>(keyPath(run) + action, { method })
    if (isJson(run)) return printJson(run, key)
    print(run, told(called(key), key.effective_status))
  }
}
