import { METHODS } from 'node:http'
import { isDeepStrictEqual } from 'node:util'
import { ConfigError, type CredentialSource, type WriteKeysOptions } from '../index.ts'
import { placeText } from '../verifier/credentials-option.ts'
import { type Finding, toFinding, toLines, withMethod, withoutKey } from './check-finding.ts'
import { CliError, type ExitCode, exitCodes, usageError } from './cli-error.ts'
import type { CheckJson, CommandRun } from './command-run.ts'
import { keysOptionsFrom, parsePlace } from './keys-options.ts'
import { createRequest, type PastedRequest } from './pasted-request.ts'
import { readPasted } from './presented-secret.ts'
import { type Rehearsal, rehearse, rehearseRules } from './rehearsal.ts'
import { rehearsedRules } from './rehearsed-rules.ts'
import { readSecretInput } from './secret-input.ts'
import { printLine } from './terminal.ts'

/**
 * Tells whether what is on standard input would be accepted now, a key alone or a request with it, and if not,
 * why and what to do. Nothing is ingested, counted or charged.
 */
export async function check(run: CommandRun): Promise<ExitCode> {
  const { values, terminal } = run
  if (values.type === undefined && values.name !== undefined) throw usageError('--name needs --type as well.')
  const text = await readSecretInput(terminal)
  if (text === '') throw usageError('Give the secret on standard input, e.g.: writekey check < secret.txt')
  const finding = await find(run, text)
  if (values.json === true) printLine(terminal, JSON.stringify(finding))
  else for (const line of toLines(finding)) printLine(terminal, line)
  if (finding.accepted) return exitCodes.ok
  return finding.needs_credentials === null ? exitCodes.refused : exitCodes.misplaced
}

/** Of several requests, what is wrong with the first that would be refused. */
async function find(run: CommandRun, text: string): Promise<Finding> {
  const pasted = readPasted(text)
  if (pasted.kind === 'key') {
    const { secret, foundIn = null } = pasted
    return toFinding(await judge(run, secret), { kind: 'key', secret, foundIn }, Date.now())
  }
  const options = keysOptionsFrom(run.terminal)
  const findings: Finding[] = []
  for (const request of pasted.requests) findings.push(await findOfRequest(run, request, options))
  return findings.find(({ accepted }) => !accepted) ?? findings[0] ?? withoutKey('missing_key')
}

/** Where keys are read, the answer of the server says: then the request is judged once more by that. */
async function findOfRequest(
  run: CommandRun,
  given: PastedRequest,
  options: WriteKeysOptions,
): Promise<Finding> {
  const { origin } = run.values
  const headers = typeof origin === 'string' ? { ...given.headers, origin: [origin] } : given.headers
  const request = createRequest({ ...given, headers })
  const own = await findWith(run, request, options)
  const { places } = own
  if (!places || isDeepStrictEqual(places, placesOf(options).map(placeText))) return own.finding
  // A newer server may know places that this code does not.
  const asThere = findWith(run, request, { ...options, credentials: places.map(parsePlace) })
  return (await asThere.catch(keepIfUnknown(own))).finding
}

interface Found {
  finding: Finding
  /** Where the server reads keys; undefined or null: it does not say. */
  places: readonly string[] | null | undefined
}

async function findWith(run: CommandRun, request: PastedRequest, options: WriteKeysOptions): Promise<Found> {
  if (!METHODS.includes(request.method)) return { finding: withMethod(request.method), places: null }
  const rehearsal = await rehearse(request, options)
  const { spot, asks, reason, needs, isGood } = rehearsal
  if (spot === undefined) return { finding: withoutKey(reason), places: null }
  const judgement = await judge(run, spot.secret, asks)
  const { key, credentials: places } = judgement
  const subject = { kind: 'request', ...rehearsal, spot, configured: placesOf(options) } as const
  if (key === null || judgement.reason !== null || !isGood)
    return { finding: toFinding(judgement, subject, Date.now()), places }
  // The server was told of one event at most, and not how it is sent.
  const rules = rehearsedRules(key, run.values.type === undefined && !request.hasHiddenBody)
  const { note, ...byRules } = await rehearseRules(request, { spot, needs }, rules, options)
  const judged = {
    ...judgement,
    reason: byRules.reason,
    would_refuse: judgement.would_refuse ?? byRules.wouldRefuse,
  }
  return { finding: toFinding(judged, { ...subject, note }, Date.now()), places }
}

function keepIfUnknown(own: Found): (error: unknown) => Found {
  return (error) => {
    if (error instanceof ConfigError) return own
    throw error
  }
}

function placesOf({ credentials = 'basic' }: WriteKeysOptions): readonly CredentialSource[] {
  return [credentials].flat() as CredentialSource[]
}

/** What is asked on the command line goes before what the request itself says. */
async function judge(
  { values, client }: CommandRun,
  key: string,
  asks: Rehearsal['asks'] = {},
): Promise<CheckJson> {
  const { type, name, origin, address } = values
  const event = type === undefined ? { type: asks.type, name: asks.name } : { type, name }
  const body = { key, ...event, origin: origin ?? asks.origin, address }
  return client.call<CheckJson>('/check', { method: 'POST', body }).catch(tellOldServer)
}

function tellOldServer(error: unknown): never {
  if (error instanceof CliError && error.code === 'method_not_allowed')
    throw new CliError(
      exitCodes.refused,
      'This server runs an older version of writekey, which cannot check a secret. To see its key, run: writekey find --secret-stdin',
    )
  throw error
}
