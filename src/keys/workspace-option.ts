import { badOption } from '../runtime/config-error.ts'
import type { OptionReader } from '../runtime/options.ts'
import { workspaceCharacters, workspacePattern } from './ids.ts'

/**
 * A workspace, or none. A value of `undefined`, as from a missing setting, is refused: it would open what
 * should be closed.
 */
export const workspaceOption: OptionReader<string | undefined> = (value, option, isGiven) => {
  if (value === undefined && isGiven !== true) return undefined
  if (typeof value === 'string' && workspacePattern.test(value)) return value
  throw badOption(option, value, workspaceCharacters)
}
