import {
  createMemoryLimiter,
  createWriteKeys,
  type KeyStore,
  type WriteKeyEvent,
  type WriteKeysOptions,
} from '../index.ts'
import { reasonAdvice } from '../verifier/reason-advice.ts'
import { problems } from '../verifier/reasons.ts'
import { CliError, type ExitCode, exitCodes, usageError } from './cli-error.ts'
import type { CommandRun } from './command-run.ts'
import { printable, printLine, readInput } from './terminal.ts'

/** The case that is tried; what is absent is left out of it. */
interface Case {
  type?: string | undefined
  name?: string | undefined
  origin?: string | undefined
  address?: string | undefined
}

/** What would happen to a request with this secret now. */
interface Finding {
  accepted: boolean
  key_id: string | null
  key_name: string | null
  reason: string | null
  status: number
  cause: string
  advice: string | null
}

/**
 * Tells whether a request with the secret on standard input would be accepted now, and if not, why and what
 * to do. Runs the real checks against the real store, but nothing is ingested, counted or charged.
 */
export async function check(
  { values, terminal }: Omit<CommandRun, 'keys'>,
  store: KeyStore,
  options: WriteKeysOptions,
): Promise<ExitCode> {
  if (terminal.stdin.isTTY === true) terminal.stderr.write('Paste the secret, then press Enter and Ctrl-D:\n')
  const secret = await readInput(terminal)
  if (secret === '') throw usageError('Give the secret on standard input, e.g.: writekey check < secret.txt')
  const finding = await examine(store, options, secret, {
    type: text(values.type),
    name: text(values.name),
    origin: text(values.origin),
    address: text(values.address),
  })
  if (values.json === true) printLine(terminal, JSON.stringify(finding))
  else for (const line of toLines(finding)) printLine(terminal, line)
  return finding.accepted ? exitCodes.ok : exitCodes.refused
}

async function examine(
  store: KeyStore,
  options: WriteKeysOptions,
  secret: string,
  { type, name, origin, address }: Case,
): Promise<Finding> {
  if (type === undefined && name !== undefined) throw usageError('--name needs --type as well.')
  const events: WriteKeyEvent[] = []
  const { usage: _, ...uncounted } = store
  const keys = createWriteKeys({
    ...options,
    store: { ...uncounted, close() {} },
    limiter: createMemoryLimiter(),
    credentials: ['basic'],
    logger: false,
    onEvent: (event) => events.push(event),
  })
  try {
    const verdict = await keys.verify({
      // A GET is checked up to the body: with no type to try, the key itself is what is asked about.
      method: type === undefined ? 'GET' : 'POST',
      path: '/v1/batch',
      headers: {
        authorization: `Basic ${Buffer.from(`${secret}:`).toString('base64')}`,
        ...(origin !== undefined && { origin }),
      },
      ...(address !== undefined && { ip: address }),
      ...(type !== undefined && { body: [{ type, ...(name !== undefined && { event: name, name }) }] }),
    })
    const keyId = verdict.ok ? verdict.writeKey.id : refusedKeyId(events)
    const key = keyId === undefined ? undefined : await keys.get(keyId)
    const found = { key_id: key?.id ?? null, key_name: key?.name ?? null }
    if (verdict.ok) {
      const { sunset } = verdict.headers
      return {
        accepted: true,
        ...found,
        reason: null,
        status: 200,
        cause: 'The request would be accepted.',
        advice:
          sunset === undefined
            ? null
            : `This secret was rotated and ends at ${sunset}: move the sender to the new one.`,
      }
    }
    if (verdict.reason === 'store_unavailable' || verdict.reason === 'internal_error')
      throw new CliError(exitCodes.unavailable, `${reasonAdvice[verdict.reason].cause}.`)
    if (verdict.reason === 'preflight') throw new Error('a check is no preflight')
    const { reason } = verdict
    const { cause, advice } = reasonAdvice[reason]
    return { accepted: false, ...found, reason, status: problems[reason].status, cause: `${cause}.`, advice }
  } finally {
    await keys.close()
  }
}

function refusedKeyId(events: readonly WriteKeyEvent[]): string | undefined {
  return events.find((event) => event.type === 'refused')?.keyId
}

function toLines({ accepted, key_id, key_name, reason, status, cause, advice }: Finding): string[] {
  return [
    `${accepted ? 'accepted' : 'refused'}: ${reason ?? 'ok'} (HTTP ${status})`,
    ...(key_id === null ? [] : [`key: ${key_id} (${printable(key_name)})`]),
    cause,
    ...(advice === null ? [] : [advice]),
  ]
}

function text(value: string | boolean | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}
