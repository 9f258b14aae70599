import type { WriteKeys } from '../../index.ts'
import { generateSecret } from '../../keys/secret.ts'
import type { ManualClock } from '../manual-clock.ts'
import { basic, type GoldenRequest } from './golden/golden-request.ts'

const hourMs = 3_600_000

/** Makes a key and brings it into the state that a golden request names. */
export async function bringIntoState(
  keys: WriteKeys,
  clock: ManualClock,
  { key: fields, state = 'active', spent = 0 }: Partial<GoldenRequest>,
): Promise<{ secret: string; keyId: string | undefined }> {
  if (state === 'unknown') return { secret: generateSecret('sk_live_'), keyId: undefined }
  const input = { name: 'Web App', sourceType: 'web' as const, ...fields }
  const pastMs = state === 'in grace' ? 2 * hourMs : 48 * hourMs
  clock.advanceWallClock(-pastMs)
  const expiresAt = state === 'expired' ? clock.now() + hourMs : (fields?.expiresAt ?? null)
  const environment = state === 'other environment' ? 'staging' : (fields?.environment ?? 'production')
  const { key, writeKey } = await keys.create({ ...input, expiresAt, environment })
  clock.advanceWallClock(hourMs)
  let secret = key
  if (state === 'revoked') await keys.revoke(writeKey.id)
  if (state === 'removed') await keys.remove(writeKey.id)
  if (state === 'in grace' || state === 'grace over') await keys.rotate(writeKey.id)
  if (state === 'rotated') secret = (await keys.rotate(writeKey.id)).key
  clock.advanceWallClock(pastMs - hourMs)
  if (spent > 0) {
    const body = Array.from({ length: spent }, () => ({}))
    const verdict = await keys.verify({
      method: 'POST',
      path: '/',
      headers: { authorization: basic(secret) },
      body,
    })
    if (!verdict.ok) throw new Error(`what was to be spent was refused: ${verdict.reason}`)
  }
  return { secret, keyId: writeKey.id }
}
