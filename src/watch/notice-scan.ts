import type { KeyRecord } from '../keys/key-record.ts'
import { parseListQuery } from '../keys/list-query.ts'
import type { KeyStore } from '../stores/key-store.ts'
import type { WriteKeyEvent } from '../verifier/decision-event.ts'

const dayMs = 86_400_000
/** Days before the end of a key on which it is reported. */
const expiringDays = [1, 10, 30]
const oldDays = 90
/** Most keys that one scan looks at: it is a service for people, and must not become the load. */
const maxScanned = 100_000

type TellOnce = (id: string, event: WriteKeyEvent) => Promise<void>

/** Looks at every key that is in use. */
export async function scanForNotices(store: KeyStore, now: number, tell: TellOnce): Promise<void> {
  const query = parseListQuery({ sort: 'created_at', limit: 100 })
  let after: typeof query.after
  for (let seen = 0; seen < maxScanned; ) {
    const { data, more } = await store.list({ ...query, ...(after !== undefined && { after }) })
    for (const record of data) if (record.status !== 'revoked') await look(record, now, tell)
    const last = data.at(-1)
    if (!more || last === undefined) return
    after = { value: last.createdAt, id: last.id }
    seen += data.length
    // Lets requests run in between.
    await new Promise((resolve) => setImmediate(resolve))
  }
}

async function look(record: KeyRecord, now: number, tell: TellOnce): Promise<void> {
  const { id: keyId, name, workspace, expiresAt, secrets } = record
  const leftMs = expiresAt === null ? Number.POSITIVE_INFINITY : expiresAt - now
  const days = leftMs > 0 ? expiringDays.find((least) => leftMs <= least * dayMs) : undefined
  if (expiresAt !== null && days !== undefined) {
    await tell(`expiring:${keyId}:${expiresAt}:${days}`, {
      type: 'key_expiring',
      keyId,
      name,
      workspace,
      expiresAt: new Date(expiresAt),
      days,
    })
  }
  const secret = secrets.at(-1)
  const ageDays = secret === undefined || leftMs <= 0 ? 0 : Math.floor((now - secret.createdAt) / dayMs)
  if (secret !== undefined && ageDays >= oldDays) {
    // Once a quarter.
    await tell(`old:${secret.id}:${Math.floor(ageDays / oldDays)}`, {
      type: 'secret_old',
      keyId,
      name,
      workspace,
      secretId: secret.id,
      createdAt: new Date(secret.createdAt),
      days: ageDays,
    })
  }
}
