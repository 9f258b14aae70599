import { keyIdPattern } from '../keys/ids.ts'
import { CliError, exitCodes, usageError } from './cli-error.ts'
import type { CommandRun, ListedKeyJson } from './command-run.ts'
import { readPresentedSecret } from './presented-secret.ts'
import { readSecretInput } from './secret-input.ts'
import { ask, printable } from './terminal.ts'

/** The key that the secret on standard input belongs to. */
export async function findKey({ client, args, terminal }: CommandRun): Promise<ListedKeyJson> {
  if (args.length > 0) throw usageError('Give the secret on standard input alone, and no id.')
  const pasted = await readSecretInput(terminal)
  if (pasted === '')
    throw usageError('Give the secret on standard input, e.g.: writekey find --secret-stdin < secret.txt')
  const key = readPresentedSecret(pasted)
  return client.call<ListedKeyJson>('/find', { method: 'POST', body: { key } })
}

/** The key that is about to end, after the user has confirmed it. */
export async function confirm(run: CommandRun, warning: string): Promise<ListedKeyJson> {
  if (run.values['secret-stdin'] === true) {
    // Standard input holds the secret, so it cannot take an answer as well.
    if (run.values.yes !== true) throw usageError(`${warning}: with --secret-stdin, confirm with --yes.`)
    return findKey(run)
  }
  const key = await run.client.call<ListedKeyJson>(keyPath(run))
  if (run.values.yes === true) return key
  const question = `${warning}. Type ${key.id} to go on with "${printable(key.name)}": `
  const answer = await ask(run.terminal, question)
  if (answer === undefined) throw usageError(`${warning}: confirm with --yes.`)
  if (answer.trim() !== key.id) throw new CliError(exitCodes.refused, 'Not confirmed; nothing was changed.')
  return key
}

/** The path of the key that the argument names, relative to the path of all keys. */
export function keyPath({ args }: Pick<CommandRun, 'args'>): string {
  const id = assertOneId(args)
  // Anything else is not an id, and may be a secret, which must not get into a URL.
  if (!keyIdPattern.test(id))
    throw new CliError(
      exitCodes.refused,
      'There is no write key with this id; ids look like wk_0123456789abcdef.',
    )
  return `/${id}`
}

/** @throws CliError for none, or several */
export function assertOneId([id, ...more]: readonly string[]): string {
  if (id === undefined) throw usageError('The id of a write key is missing (wk_…).')
  if (more.length > 0) throw usageError('One id at a time, please.')
  return id
}
