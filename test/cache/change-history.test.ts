import { describe, expect, it } from 'vitest'
import { createChangeHistory } from '../../src/cache/change-history.ts'

const remembered = 1_024
const keyIds = (count: number) => Array.from({ length: count }, (_, index) => `wk_${index}`)

describe('what is known of lately changed keys', () => {
  it('is of each key by itself, and of all when it is not known which', () => {
    const changes = createChangeHistory()
    const before = changes.generation()
    changes.note(['wk_a'])
    expect(changes.none(before, 'wk_a')).toBe(false)
    expect(changes.none(before, 'wk_b')).toBe(true)
    expect(changes.none(before, undefined)).toBe(false)
    expect(changes.none(changes.generation(), undefined)).toBe(true)
    changes.note('all')
    expect(changes.none(before, 'wk_b')).toBe(false)
    expect(changes.none(changes.generation(), 'wk_b')).toBe(true)
  })

  it('goes back as far as the 1 024 keys that changed last', () => {
    const changes = createChangeHistory()
    const start = changes.generation()
    for (const keyId of keyIds(remembered)) changes.note([keyId])
    expect(changes.none(start, 'wk_quiet')).toBe(true)
    // One more, and the oldest is no longer told from keys that have not changed.
    changes.note(['wk_more'])
    expect(changes.none(start, 'wk_quiet')).toBe(false)
    expect(changes.none(start + 1, 'wk_quiet')).toBe(true)
    expect(changes.none(start + 1, 'wk_0')).toBe(true)
    expect(changes.none(start + 1, 'wk_1')).toBe(false)
  })

  it('forgets last what changed again last', () => {
    const changes = createChangeHistory()
    const start = changes.generation()
    for (const keyId of keyIds(remembered)) changes.note([keyId])
    changes.note(['wk_0'])
    const again = changes.generation()
    changes.note(['wk_more'])
    expect(changes.none(again - 1, 'wk_0')).toBe(false)
    expect(changes.none(start + 1, 'wk_quiet')).toBe(false)
    expect(changes.none(start + 2, 'wk_quiet')).toBe(true)
  })
})
