import { describe, expect, it } from 'vitest'
import { createMemoryStore } from '../../src/stores/memory-store.ts'
import { createKeyRecord } from '../../src/testing/index.ts'
import { storeContract } from '../contract/store-contract.ts'
import { auditEntry } from './sql/audit-entry.ts'

storeContract('memory store', createMemoryStore)

describe('memory store', () => {
  it('belongs to one process alone, so that nothing has to wait for others', () => {
    expect(createMemoryStore().scope).toBe('process')
  })

  it('shares nothing between two stores', async () => {
    const [one, other] = [createMemoryStore(), createMemoryStore()]
    const heard: unknown[] = []
    other.watch?.(() => heard.push(1))
    const record = createKeyRecord()
    await one.insert(record, auditEntry())
    expect(other.get(record.id)).toBeUndefined()
    expect(heard).toEqual([])
  })
})
