import { toFinding, toLines } from './check-finding.ts'
import { type Case, onStore, overApi } from './check-judges.ts'
import { type ExitCode, exitCodes, usageError } from './cli-error.ts'
import type { CommandRun } from './command-run.ts'
import type { ManagementClient } from './management-client.ts'
import { readPresentedSecret } from './presented-secret.ts'
import { readSecretInput } from './secret-input.ts'
import { noteLine, printLine } from './terminal.ts'

/**
 * Tells whether a request with the secret on standard input would be accepted now, and if not, why and what
 * to do. Nothing is ingested, counted or charged.
 */
export async function check(
  run: Omit<CommandRun, 'client'>,
  openClient: () => Promise<ManagementClient>,
): Promise<ExitCode> {
  const { values, terminal } = run
  const { type, name, origin, address } = values as Case
  if (type === undefined && name !== undefined) throw usageError('--name needs --type as well.')
  const asked = { type, name, origin, address }
  const judge = values.api === undefined ? await onStore(run) : overApi(await openClient())
  try {
    const pasted = await readSecretInput(terminal)
    if (pasted === '')
      throw usageError('Give the secret on standard input, e.g.: writekey check < secret.txt')
    const presented = readPresentedSecret(pasted)
    const finding = toFinding(await judge.judge(presented.secret, asked), presented, Date.now())
    if (values.json === true) printLine(terminal, JSON.stringify(finding))
    else for (const line of toLines(finding)) printLine(terminal, line)
    if (values.api !== undefined && finding.key_id !== null)
      noteLine(
        terminal,
        'Judged by the rules of the key; options of the server, such as its environment, are not known here.',
        'dim',
      )
    return finding.accepted ? exitCodes.ok : exitCodes.refused
  } finally {
    await judge.close()
  }
}
