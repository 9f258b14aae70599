import { type Api, ApiError } from './client.ts'
import type { WriteKey } from './wire.ts'

/**
 * What has become of a key whose change was refused because it was another version: somebody else has changed it, or an
 * attempt whose answer got lost.
 *
 * @throws the error itself if it says anything else.
 */
export async function newerVersion(api: Api, before: WriteKey, error: unknown): Promise<WriteKey> {
  if (!(error instanceof ApiError) || error.status !== 409) throw error
  const latest = await api.getKey(before.id)
  if (latest.version === before.version) throw error
  return latest
}
