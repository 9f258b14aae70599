import type { WriteKey } from '../index.ts'
import { CliError, exitCodes, usageError } from './cli-error.ts'
import type { CommandRun } from './command-run.ts'
import { ask, noteLine, printable, readInput } from './terminal.ts'

/** The key that the secret on standard input belongs to. */
export async function findKey({ keys, args, terminal }: CommandRun): Promise<WriteKey> {
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
export async function confirm(run: CommandRun, warning: string): Promise<WriteKey> {
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

export function idOf({ args }: CommandRun): string {
  const [id, ...more] = args
  if (id === undefined) throw usageError('The id of a write key is missing (wk_…).')
  if (more.length > 0) throw usageError('One id at a time, please.')
  return id
}
