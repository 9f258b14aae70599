import { expect, it } from 'vitest'
import { createWriteKeys } from '../../src/index.ts'

it('hands out copies: what a caller does to them changes no key', async () => {
  const keys = createWriteKeys()
  const input = {
    name: 'Web App',
    sourceType: 'web' as const,
    allowedEventTypes: ['track'],
    metadata: { team: { id: 1 } },
  }
  const { writeKey } = await keys.create(input)
  const expected = structuredClone(await keys.get(writeKey.id))

  input.allowedEventTypes.push('page')
  input.metadata.team.id = 2
  const [listed] = (await keys.list()).data
  for (const copy of [writeKey, await keys.get(writeKey.id), listed]) {
    const changed = copy as unknown as { allowedEventTypes: string[]; metadata: typeof input.metadata }
    changed.allowedEventTypes.push('identify')
    changed.metadata.team.id = 3
  }
  const { data: entries } = await keys.audit()
  ;(entries[0]?.after as { name: string }).name = 'Forged'

  expect(await keys.get(writeKey.id)).toEqual(expected)
  expect((await keys.audit()).data[0]?.after).toMatchObject({ name: 'Web App' })
  await keys.close()
})
