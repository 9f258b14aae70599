import type { IngestRequestInit } from './http/ingest-request.ts'
import type { WriteKey } from './keys/key-record.ts'
import { createMemoryLimiter } from './limits/memory-limiter.ts'
import type { FindEnding, KeyFinding } from './management/find-key.ts'
import { createAddressFinder } from './rules/client-address.ts'
import { parseSenderAddress } from './rules/ip-address.ts'
import { invalidField, StoreError } from './runtime/errors.ts'
import { credentialsOption } from './verifier/credentials-option.ts'
import type { Reason } from './verifier/reasons.ts'
import type { SequenceOptions } from './verifier/sequence.ts'
import type { Verdict } from './verifier/verdict.ts'
import { createVerifier } from './verifier/verifier.ts'

/** The request that `check` asks about. */
export interface CheckedRequest {
  /** Type of its event. Without it, only key, origin and address are checked. */
  type?: string | undefined
  /** Name of the event; needs `type`. */
  name?: string | undefined
  /** Origin of the page that sends it. */
  origin?: string | undefined
  /** IP address of the sender itself, not of a proxy. */
  address?: string | undefined
  /**
   * Whose question it is: a secret of a key that is not of this workspace (`null`: of none) is answered as
   * `unknown_key`, after the same questions to the store. Other than `workspace` of adapters.
   */
  workspace?: string | null
}

/** What would become of a request now. */
export interface KeyCheck {
  /** Why it would be refused; `null`: it would be accepted. */
  reason: Reason | null
  /** Why rules on trial would refuse what is accepted; `null`: they would not. */
  wouldRefuse: Reason | null
  /** The key that the secret belongs to; undefined when no key has it. */
  writeKey: WriteKey | undefined
  /**
   * When an `unknown_key` was ended that a key has had: it was rotated without grace, its grace was ended, or
   * the key was removed. `null` for others, for a question with a `workspace`, and where the store does not
   * know (`KeyStore.ended`).
   */
  endedAt: Date | null
  /** The environment that was asked. */
  environment: string
  /** Where keys are read, such as `['basic', 'header:X-Api-Key']`; `null`: a function of the application finds them. */
  credentials: readonly string[] | null
}

/** Tells what would become of a request with a secret. */
export type CheckKey = (secret: string, request?: CheckedRequest) => Promise<KeyCheck>

/**
 * Takes the request through the same sequence of checks as real ones, with the keys that this process has
 * cached, but counts, charges and tells nothing.
 */
export function createKeyCheck({
  options,
  environment,
  isSecret,
  find,
  findEnding,
}: {
  options: Parameters<typeof createVerifier>[0] & SequenceOptions
  environment: string
  isSecret: (secret: string) => boolean
  find: KeyFinding['find']
  findEnding: FindEnding
}): CheckKey {
  const credentials = options.credentials.spelled
  const silent = {
    ...options,
    credentials: credentialsOption(['basic'], 'credentials'),
    // The address asked about is the sender's own: no proxy is between.
    clientAddress: createAddressFinder(undefined),
    emit() {},
    tellDecisions: false,
    tellsNotices: false,
    ignoresForwardedFor: false,
    usage: { accepted() {}, refused() {}, tried() {}, ofSecret() {} },
    watch: {},
    measure: {},
  }

  return async (secret, request = {}) => {
    assertRequest(secret, request)
    const answer = (
      reason: Reason | null,
      writeKey?: WriteKey,
      more: Partial<Pick<KeyCheck, 'wouldRefuse' | 'endedAt'>> = {},
    ) =>
      ({
        reason,
        wouldRefuse: null,
        endedAt: null,
        writeKey,
        environment,
        credentials,
        ...more,
      }) satisfies KeyCheck
    const isOfAny = !('workspace' in request)
    const query = isOfAny ? {} : { workspace: request.workspace as string | null }
    // An imported secret where `importedKeys` is missing has a key all the same.
    if (!isSecret(secret)) return answer('malformed_key', await find(secret, query).catch(ignoreOutage))
    const writeKey = await find(secret, query)
    // Not asked of the verifier: wrong keys use up a budget that senders need.
    if (writeKey === undefined)
      return answer('unknown_key', undefined, { endedAt: isOfAny ? await findEnding(secret) : null })
    const verifier = createVerifier({ ...silent, limiter: createMemoryLimiter() })
    const verdict = await verifyPatiently(() => verifier.verify(toRequest(secret, request)))
    if (verdict.ok) return answer(null, writeKey, { wouldRefuse: verdict.wouldRefuse ?? null })
    const { reason } = verdict
    if (reason === 'preflight') throw new Error('a check is no preflight')
    if (reason === 'store_unavailable' || reason === 'internal_error')
      throw new StoreError('store_unavailable', 'The store does not answer, so the key cannot be checked.')
    return answer(reason, writeKey)
  }
}

/** The shape of a secret is judged without the store. */
function ignoreOutage(error: unknown): undefined {
  if (!(error instanceof StoreError)) throw error
}

/** @throws KeyError `invalid_field`, which quotes nothing. */
function assertRequest(secret: unknown, request: CheckedRequest): void {
  if (typeof secret !== 'string') throw invalidField('key', 'must be a string')
  for (const field of ['type', 'name', 'origin', 'address'] as const) {
    if (request[field] !== undefined && typeof request[field] !== 'string')
      throw invalidField(field, 'must be a string')
  }
  if (request.address !== undefined && parseSenderAddress(request.address) === undefined)
    throw invalidField('address', 'must be an IP address, such as 203.0.113.7')
  if (request.name !== undefined && request.type === undefined)
    throw invalidField('name', 'needs type as well')
}

function toRequest(secret: string, { type, name, origin, address }: CheckedRequest): IngestRequestInit {
  return {
    // A GET is checked up to the body: without a type, the question is only about the key.
    method: type === undefined ? 'GET' : 'POST',
    path: '/v1/batch',
    headers: {
      authorization: `Basic ${Buffer.from(`${secret}:`).toString('base64')}`,
      ...(origin !== undefined && { origin }),
    },
    ...(address !== undefined && { ip: address }),
    ...(type !== undefined && { body: [{ type, ...(name !== undefined && { event: name, name }) }] }),
  }
}

/** Asks again after `store_unavailable`: on a busy machine the answer of a good store can outlast its short lease. */
async function verifyPatiently(verify: () => Verdict | PromiseLike<Verdict>): Promise<Verdict> {
  for (let left = 2; ; left--) {
    const verdict = await verify()
    if (verdict.ok || verdict.reason !== 'store_unavailable' || left === 0) return verdict
  }
}
