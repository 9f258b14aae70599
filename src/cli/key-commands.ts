import { toKeyJson } from '../admin/key-schema.ts'
import type { CreateKeyInput, UpdateKeyInput } from '../index.ts'
import { confirm, idOf } from './chosen-key.ts'
import { usageError } from './cli-error.ts'
import { isJson, note, print, printJson, printSecret } from './command-output.ts'
import type { Command } from './command-run.ts'
import { importKeys } from './import-command.ts'
import { parseNumber, toKeyFields } from './key-flags.ts'
import { readingCommands } from './reading-commands.ts'
import { shellActor } from './shell-actor.ts'
import { printable } from './terminal.ts'

export const keyCommands: Readonly<Record<string, Command>> = {
  ...readingCommands,
  import: importKeys,

  async create(run) {
    const input = toKeyFields(run.values)
    const { writeKey, key } = await run.keys.create(input as unknown as CreateKeyInput, shellActor())
    if (isJson(run)) return printJson(run, { ...toKeyJson(writeKey), key })
    printSecret(run, writeKey, key)
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

  async 'enforce-trial'(run) {
    const key = await run.keys.enforceTrial(idOf(run), shellActor())
    if (isJson(run)) return printJson(run, toKeyJson(key))
    print(run, `Enforced what was on trial for ${key.id} (${printable(key.name)}).`)
  },

  async 'drop-trial'(run) {
    const key = await run.keys.dropTrial(idOf(run), shellActor())
    if (isJson(run)) return printJson(run, toKeyJson(key))
    print(run, `Dropped what was on trial for ${key.id} (${printable(key.name)}).`)
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
}
