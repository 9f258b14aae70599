import { note } from './command-output.ts'
import type { CommandRun } from './command-run.ts'

/** Says that nobody checked the plans that keys were given: on a store, only WRITEKEY_PLANS tells which there are. */
export function noteUncheckedPlans(run: CommandRun, plans: Iterable<unknown>): void {
  if (run.values.api !== undefined || run.terminal.env.WRITEKEY_PLANS !== undefined) return
  const names = [...new Set(plans)].filter((plan) => typeof plan === 'string')
  if (names.length === 0) return
  const shown = names.slice(0, 5).map((name) => JSON.stringify(name.slice(0, 64)))
  const rest = names.length > shown.length ? ` and ${names.length - shown.length} more` : ''
  note(
    run,
    `Not checked, because WRITEKEY_PLANS is not set: whether there is a plan ${shown.join(', ')}${rest}. Keys of an unknown plan get the default plan.`,
  )
}
