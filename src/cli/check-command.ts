import { splitList } from '../keys/csv-list.ts'
import { toFinding, toLines } from './check-finding.ts'
import { CliError, type ExitCode, exitCodes, usageError } from './cli-error.ts'
import type { CheckJson, CommandRun } from './command-run.ts'
import { type PresentedSecret, readPresentedSecret } from './presented-secret.ts'
import { readSecretInput } from './secret-input.ts'
import { printLine } from './terminal.ts'

/**
 * Tells whether a request with the secret on standard input would be accepted now, and if not, why and what
 * to do. Nothing is ingested, counted or charged.
 */
export async function check({ values, terminal, client }: CommandRun): Promise<ExitCode> {
  const { type, name, origin, address } = values
  if (type === undefined && name !== undefined) throw usageError('--name needs --type as well.')
  const pasted = await readSecretInput(terminal)
  if (pasted === '') throw usageError('Give the secret on standard input, e.g.: writekey check < secret.txt')
  const presented = withReadPlaces(readPresentedSecret(pasted), terminal.env.WRITEKEY_CREDENTIALS)
  const body = { key: presented.secret, type, name, origin, address }
  const finding = toFinding(
    await client.call<CheckJson>('/check', { method: 'POST', body }).catch(tellOldServer),
    presented,
    Date.now(),
  )
  if (values.json === true) printLine(terminal, JSON.stringify(finding))
  else for (const line of toLines(finding)) printLine(terminal, line)
  return finding.accepted ? exitCodes.ok : exitCodes.refused
}

/** Only the environment can tell whether the place is read: the options of an application are not known here. */
function withReadPlaces(presented: PresentedSecret, read: string | undefined): PresentedSecret {
  const { place, ...others } = presented
  if (place === undefined || read === undefined) return presented
  const isRead = splitList(read).some((word) => place.credentials === `'${word}'`)
  return isRead ? others : { ...presented, isUnread: true }
}

function tellOldServer(error: unknown): never {
  if (error instanceof CliError && error.code === 'method_not_allowed')
    throw new CliError(
      exitCodes.refused,
      'This server runs an older version of writekey, which cannot check a secret. To see its key, run: writekey find --secret-stdin',
    )
  throw error
}
