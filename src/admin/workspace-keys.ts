import type { WriteKey } from '../keys/key-record.ts'
import { KeyError } from '../runtime/errors.ts'
import type { WriteKeys } from '../write-keys-interface.ts'

/** Tells the keys of one workspace from those of others. */
export function createOwnership(keys: Pick<WriteKeys, 'get' | 'audit' | 'list'>, workspace: string) {
  async function own(id: string): Promise<WriteKey> {
    const key = await keys.get(id)
    if (key.workspace !== workspace) throw keyNotFound()
    return key
  }

  /** Whether this workspace had such a key. Refused calls do not count: they may name any id. */
  async function wasOwn(id: string): Promise<boolean> {
    const { data } = await keys.audit({ keyId: id, workspace, limit: 100 })
    return data.some(({ action }) => action === 'remove')
  }

  async function ownIds(): Promise<Set<string>> {
    const ids = new Set<string>()
    let cursor: string | null = null
    do {
      const page = await keys.list({ workspace, limit: 100, ...(cursor !== null && { cursor }) })
      for (const { id } of page.data) ids.add(id)
      cursor = page.nextCursor
    } while (cursor !== null)
    return ids
  }

  return { own, wasOwn, ownIds }
}

export function keyNotFound(): KeyError {
  return new KeyError('not_found', 'There is no write key with this id.')
}
