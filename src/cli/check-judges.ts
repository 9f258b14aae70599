import { toKeyInput, toKeyJson } from '../admin/key-schema.ts'
import {
  type CreateKeyInput,
  createMemoryLimiter,
  createMemoryStore,
  createWriteKeys,
  type IngestRequestInit,
  type KeyStore,
  type Verdict,
  type WriteKeyEvent,
  type WriteKeys,
  type WriteKeysOptions,
} from '../index.ts'
import { settableFields } from '../keys/fields.ts'
import { isWellFormedSecret } from '../keys/secret.ts'
import { standardEventTypes } from '../rules/event-types.ts'
import { toSnakeCase } from '../runtime/letter-case.ts'
import { reasonAdvice } from '../verifier/reason-advice.ts'
import type { Judgement } from './check-finding.ts'
import { CliError, exitCodes } from './cli-error.ts'
import type { CommandRun, KeyJson, ListedKeyJson } from './command-run.ts'
import { keysOptionsFrom } from './keys-options.ts'
import type { ManagementClient } from './management-client.ts'
import { tellStoreFailure } from './store-failure.ts'
import { describeStore, openStore, storeUrl, tablesLocation } from './store-location.ts'

/** The request to try, without what is absent. */
export interface Case {
  type?: string | undefined
  name?: string | undefined
  origin?: string | undefined
  address?: string | undefined
}

export interface Judge {
  judge(secret: string, asked: Case): Promise<Judgement>
  close(): Promise<unknown>
}

/** The real checks on the real store. */
export async function onStore({ values, terminal }: Omit<CommandRun, 'client'>): Promise<Judge> {
  const url = storeUrl(values.store, terminal)
  const tables = tablesLocation(values, terminal)
  const store = await openStore(url, tables)
  const options = keysOptionsFrom(terminal)
  return {
    async judge(secret, asked) {
      try {
        const { environment = 'production' } = options
        return { ...(await tryOn({ ...options, store: uncounted(store) }, secret, asked)), environment }
      } catch (error) {
        throw tellStoreFailure(error, describeStore(url, tables))
      }
    },
    close: async () => store.close(),
  }
}

function uncounted({ usage: _, ...store }: KeyStore): KeyStore {
  return { ...store, close() {} }
}

/** Asks the server about the key, and checks the key's rules on a store in this process. */
export function overApi(client: ManagementClient): Judge {
  return {
    async judge(secret, asked) {
      const key = await find(client, secret)
      if (key === undefined)
        return { reason: isWellFormedSecret(secret) ? 'unknown_key' : 'malformed_key', key }
      const own = key.secrets.find(({ start }) => start !== '' && secret.startsWith(start))
      const isOver = own !== undefined && own.expires_at !== null && Date.parse(own.expires_at) <= Date.now()
      if (key.effective_status === 'revoked') return { reason: 'revoked_key', key }
      if (key.effective_status === 'expired' || isOver) return { reason: 'expired_key', key }
      if (key.effective_status === 'paused') return { reason: 'key_paused', key }
      const { reason, wouldRefuse } = await tryRules(key, asked)
      return { reason, wouldRefuse, key }
    },
    close: () => client.close(),
  }
}

async function find(client: ManagementClient, key: string): Promise<ListedKeyJson | undefined> {
  try {
    return await client.call<ListedKeyJson>('/find', { method: 'POST', body: { key } })
  } catch (error) {
    if (error instanceof CliError && error.code === 'not_found') return undefined
    throw error
  }
}

/** Fields of a key that say what it may send. */
const ruleFields = settableFields('update').filter(
  (name) => name !== 'expiresAt' && name !== 'metadata' && name !== 'plan',
)

/** A key with the same rules on a store of this process. */
async function tryRules(key: KeyJson, asked: Case): Promise<Judgement> {
  const rules = Object.fromEntries(
    ruleFields.map((name) => [toSnakeCase(name), key[toSnakeCase(name) as keyof KeyJson]]),
  )
  const types = [...(key.allowed_event_types ?? []), ...((key.trial?.allowed_event_types as string[]) ?? [])]
  const standard: readonly string[] = standardEventTypes
  const store = createMemoryStore()
  const eventTypes = [...new Set(types)].filter((type) => !standard.includes(type))
  const keys = createWriteKeys({ store, eventTypes, logger: false })
  try {
    const created = await keys.create(toKeyInput<CreateKeyInput>(rules))
    const { reason, wouldRefuse } = await tryOn({ store, eventTypes }, created.key, asked)
    return { reason, wouldRefuse, key }
  } finally {
    await keys.close()
  }
}

/** A request with this secret, as far as its key, its origin, its address and one event of it say. */
async function tryOn(
  options: WriteKeysOptions & { store: KeyStore },
  secret: string,
  { type, name, origin, address }: Case,
): Promise<Judgement> {
  const events: WriteKeyEvent[] = []
  const keys = createWriteKeys({
    ...options,
    store: uncounted(options.store),
    limiter: createMemoryLimiter(),
    credentials: ['basic'],
    logger: false,
    onEvent: (event) => events.push(event),
  })
  try {
    const request: IngestRequestInit = {
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
    const verdict = await verifyPatiently(keys, request)
    if (verdict.ok) {
      const key = await keyOf(keys, verdict.writeKey.id)
      return { reason: null, key, wouldRefuse: verdict.wouldRefuse }
    }
    const { reason } = verdict
    if (reason === 'store_unavailable' || reason === 'internal_error')
      throw new CliError(exitCodes.unavailable, `${reasonAdvice[reason].cause}.`)
    if (reason === 'preflight') throw new Error('a check is no preflight')
    return { reason, key: await keyOf(keys, refusedKeyId(events)) }
  } finally {
    await keys.close()
  }
}

/** Asks again after `store_unavailable`: on a busy machine the answer of a good store can outlast its short lease. */
async function verifyPatiently(keys: WriteKeys, request: IngestRequestInit): Promise<Verdict> {
  for (let left = 2; ; left--) {
    const verdict = await keys.verify(request)
    if (verdict.ok || verdict.reason !== 'store_unavailable' || left === 0) return verdict
  }
}

async function keyOf(keys: WriteKeys, id: string | undefined): Promise<KeyJson | undefined> {
  return id === undefined ? undefined : toKeyJson(await keys.get(id))
}

function refusedKeyId(events: readonly WriteKeyEvent[]): string | undefined {
  return events.find((event) => event.type === 'refused')?.keyId
}
