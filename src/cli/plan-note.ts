import { note } from './command-output.ts'
import type { CommandRun } from './command-run.ts'

/** Says that nobody checked the plans that keys were given: on a store, only WRITEKEY_PLANS tells which there are. */
export function noteUncheckedPlans(run: CommandRun, plans: Iterable<unknown>): void {
  const shown = unknownPlans(run, plans)
  if (shown === '') return
  note(
    run,
    `Without WRITEKEY_PLANS, this command cannot check whether these plans exist: ${shown}. A key of an unknown plan gets the default plan.`,
  )
}

/** Says that rates and quotas of these plans are not in what is shown. */
export function noteUnknownPlans(run: CommandRun, plans: Iterable<unknown>): void {
  const shown = unknownPlans(run, plans)
  if (shown === '') return
  note(
    run,
    `Without WRITEKEY_PLANS, this command does not know the rates and quotas of these plans: ${shown}. Your server may apply others than are shown.`,
  )
}

function unknownPlans(run: CommandRun, plans: Iterable<unknown>): string {
  if (run.values.api !== undefined || run.terminal.env.WRITEKEY_PLANS !== undefined) return ''
  const names = [...new Set(plans)].filter((plan) => typeof plan === 'string')
  const shown = names.slice(0, 5).map((name) => JSON.stringify(name.slice(0, 64)))
  const rest = names.length > shown.length ? ` and ${names.length - shown.length} more` : ''
  return shown.join(', ') + rest
}
