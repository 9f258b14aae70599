import { describe, expect, it } from 'vitest'
import { createOutages } from '../../src/cache/outages.ts'

function setUp() {
  const told: string[] = []
  const outages = createOutages<'reads' | 'counts'>(
    ({ message }, part) => told.push(`${part}: ${message}`),
    () => told.push('over'),
  )
  return { told, outages, reads: outages('reads'), counts: outages('counts') }
}

describe('an outage', () => {
  it('is told once for each part, and its end once all parts work', () => {
    const { told, reads, counts } = setUp()
    reads.began(new Error('away'))
    reads.began(new Error('still away'))
    counts.began('full')
    expect(told).toEqual(['reads: away', 'counts: full'])
    reads.ended()
    expect(told).toHaveLength(2)
    counts.ended()
    expect(told.slice(2)).toEqual(['over'])
    counts.ended()
    expect(told).toHaveLength(3)
    reads.began(new Error('away again'))
    expect(told.at(-1)).toBe('reads: away again')
  })

  it('has no end where there was none', () => {
    const { told, reads } = setUp()
    reads.ended()
    expect(told).toEqual([])
  })

  it('is known by its first error until it ends', () => {
    const { outages, reads, counts } = setUp()
    const [away, full] = [new Error('away'), new Error('full')]
    expect(outages.errorOf('reads', 'counts')).toBeUndefined()
    counts.began(full)
    expect(outages.errorOf('reads', 'counts')).toBe(full)
    expect(outages.errorOf('reads')).toBeUndefined()
    reads.began(away)
    reads.began(full)
    expect(outages.errorOf('reads', 'counts')).toBe(away)
    reads.ended()
    expect(outages.errorOf('reads', 'counts')).toBe(full)
  })
})
