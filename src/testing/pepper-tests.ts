import { revisionOf, type StoreSuite } from './store-suite.ts'

/** The part of the store contract about remembered peppers. Stores without this method pass. */
export function pepperTests({ test, expect, insert }: StoreSuite): void {
  test('tells the fingerprints of peppers that it was told, each once, without a revision', async (store) => {
    if (store.notePepper === undefined) return
    expect((await store.poll({ since: null })).peppers).toEqual([])
    await insert(store)
    const before = await revisionOf(store)
    await store.notePepper('ab12', [])
    expect(await store.notePepper('00ff', ['ab12'])).toEqual(['ab12', '00ff'])
    const known = ['ab12', '00ff']
    await Promise.all([store.notePepper('ab12', known), store.notePepper('00ff', known)])
    // Whoever lacks one of them adds none.
    expect(await store.notePepper('1234', ['ab12'])).toEqual(['ab12', '00ff'])
    expect(await store.notePepper('ab12', [])).toEqual(['ab12', '00ff'])
    expect(await revisionOf(store)).toBe(before)
    const { position, peppers } = await store.poll({ since: null })
    expect([...(peppers ?? [])].toSorted()).toEqual(['00ff', 'ab12'])
    const again = await store.poll({ since: position, keyHash: '0'.repeat(64) })
    expect([...(again.peppers ?? [])].toSorted()).toEqual(['00ff', 'ab12'])
  })
}
