import { describe, expect, it } from 'vitest'
import { createChangeHistory } from '../../src/cache/change-history.ts'
import { createStanding } from '../../src/cache/standing.ts'
import type { PollAnswer, Position } from '../../src/testing/index.ts'
import { createManualClock } from '../contract/limiter-contract.ts'

const at = (revision: number, mark = 'today'): Position => ({ revision, mark: `${mark} ${revision}` })

function answer(
  position: Position,
  changed: PollAnswer['changed'] = [],
  history: PollAnswer['history'] = 'kept',
): PollAnswer {
  return { position, history, changed, leaseMs: 2_000 }
}

function setUp() {
  const dropped: (readonly string[] | 'all')[] = []
  let regressed = 0
  const changes = createChangeHistory()
  const standing = createStanding({
    clock: createManualClock(),
    changes,
    onChanged: (keyIds) => dropped.push(keyIds),
    onRevisionRegressed: () => regressed++,
  })
  /** Where the process stands now, as its next question says. */
  const here = () => standing.begin().since
  const standAt = (position: Position) => {
    expect(standing.apply(standing.begin(), answer(position, 'all'))).toBe('applied')
    dropped.length = 0
  }
  return { standing, changes, dropped, regressed: () => regressed, here, standAt }
}

describe('a process that knows where it stands', () => {
  it('asks with nothing at first, and is given everything', () => {
    const { standing, dropped, here } = setUp()
    expect(here()).toBeNull()
    expect(standing.apply(standing.begin(), answer(at(7), 'all'))).toBe('applied')
    expect(dropped).toEqual(['all'])
    expect(here()).toEqual(at(7))
  })

  it('drops the keys that changed and moves on', () => {
    const { standing, dropped, here, standAt, regressed } = setUp()
    standAt(at(7))
    expect(standing.apply(standing.begin(), answer(at(9), ['wk_a', 'wk_b']))).toBe('applied')
    expect(dropped).toEqual([['wk_a', 'wk_b']])
    expect(here()).toEqual(at(9))
    expect(regressed()).toBe(0)
  })

  it('drops nothing when nothing has changed', () => {
    const { standing, dropped, standAt } = setUp()
    standAt(at(7))
    expect(standing.apply(standing.begin(), answer(at(7)))).toBe('applied')
    expect(dropped).toEqual([])
  })

  it.each([
    ['a lower revision', at(3, 'restored')],
    ['the same revision with another mark', at(7, 'restored')],
    ['a higher revision', at(30, 'restored')],
  ])('drops everything in another history, and tells: %s', (_, position) => {
    const { standing, dropped, regressed, here, standAt } = setUp()
    standAt(at(7))
    expect(standing.apply(standing.begin(), answer(position, 'all', 'lost'))).toBe('applied')
    expect(dropped).toEqual(['all'])
    expect(regressed()).toBe(1)
    expect(here()).toEqual(position)
  })

  it('drops everything without a word when its place has merely been pruned', () => {
    const { standing, dropped, regressed, standAt } = setUp()
    standAt(at(7))
    expect(standing.apply(standing.begin(), answer(at(20_000), 'all', 'pruned'))).toBe('applied')
    expect(dropped).toEqual(['all'])
    expect(regressed()).toBe(0)
  })

  it('drops everything in another history, whatever that says has changed', () => {
    for (const history of ['lost', 'pruned'] as const) {
      const { standing, dropped, standAt } = setUp()
      standAt(at(7))
      standing.apply(standing.begin(), answer(at(9, 'restored'), ['wk_a'], history))
      expect(dropped).toEqual(['all'])
    }
  })

  it('has lost nothing when it knew nothing', () => {
    const { standing, regressed } = setUp()
    standing.apply(standing.begin(), answer(at(7), 'all', 'lost'))
    expect(regressed()).toBe(0)
  })
})

describe('an answer that comes late', () => {
  it('is of another moment when the process has moved since it asked', () => {
    const { standing, dropped, here, standAt } = setUp()
    standAt(at(7))
    const [late, prompt] = [standing.begin(), standing.begin()]
    expect(standing.apply(prompt, answer(at(9), ['wk_a']))).toBe('applied')
    dropped.length = 0
    expect(standing.apply(late, answer(at(8), ['wk_b']))).toBe('superseded')
    expect(standing.apply(late, answer(at(10), ['wk_a', 'wk_b']))).toBe('superseded')
    expect(dropped).toEqual([])
    expect(here()).toEqual(at(9))
  })

  it('is of another moment when a question that began later has been answered, though the process has not moved', () => {
    const { standing, dropped, here, standAt } = setUp()
    standAt(at(7))
    const [late, prompt] = [standing.begin(), standing.begin()]
    expect(standing.apply(prompt, answer(at(7)))).toBe('applied')
    // Of a history that went on from 7 and has been lost since: the server that answered last stands at 7.
    expect(standing.apply(late, answer(at(8, 'lost'), []))).toBe('superseded')
    expect(dropped).toEqual([])
    expect(here()).toEqual(at(7))
  })

  it('counts when it shows exactly where the process stands', () => {
    const { standing, dropped, standAt } = setUp()
    standAt(at(7))
    const [late, prompt] = [standing.begin(), standing.begin()]
    expect(standing.apply(prompt, answer(at(9), ['wk_a']))).toBe('applied')
    dropped.length = 0
    expect(standing.apply(late, answer(at(9), ['wk_a']))).toBe('applied')
    expect(dropped).toEqual([])
  })

  it('does not count for its number alone: the mark has to be the same', () => {
    const { standing, here, standAt } = setUp()
    standAt(at(7))
    const [late, prompt] = [standing.begin(), standing.begin()]
    expect(standing.apply(prompt, answer(at(9, 'restored'), 'all', 'lost'))).toBe('applied')
    expect(standing.apply(late, answer(at(9)))).toBe('superseded')
    expect(here()).toEqual(at(9, 'restored'))
  })

  it('of a question that began first moves the process, and the one that began second is of another moment', () => {
    const { standing, here, standAt } = setUp()
    standAt(at(7))
    const [first, second] = [standing.begin(), standing.begin()]
    expect(standing.apply(first, answer(at(9), ['wk_a']))).toBe('applied')
    expect(standing.apply(second, answer(at(10), ['wk_a', 'wk_b']))).toBe('of_another_moment')
    expect(here()).toEqual(at(9))
  })

  it('does not let one that is still later count behind it', () => {
    const { standing, standAt } = setUp()
    standAt(at(7))
    const [oldest, middle, newest] = [standing.begin(), standing.begin(), standing.begin()]
    expect(standing.apply(newest, answer(at(7)))).toBe('applied')
    expect(standing.apply(middle, answer(at(7)))).toBe('applied')
    expect(standing.apply(oldest, answer(at(8, 'lost'), []))).toBe('superseded')
    expect(standing.apply(middle, answer(at(8, 'lost'), []))).toBe('superseded')
  })
})

describe('what an answer that was not applied says of a key', () => {
  const moved = () => {
    const parts = setUp()
    parts.standAt(at(7))
    const [late, prompt] = [parts.standing.begin(), parts.standing.begin()]
    parts.changes.note(['wk_here'])
    parts.standing.apply(prompt, answer(at(9), ['wk_here']))
    return { ...parts, late }
  }

  it('is right when the key has changed neither here nor there', () => {
    const { standing, late } = moved()
    expect(standing.isStillRight(late, answer(at(10), ['wk_here', 'wk_there']), 'wk_a')).toBe(true)
  })

  it.each([
    ['it has changed here', 'wk_here', answer(at(10), ['wk_here'])],
    ['it has changed there', 'wk_there', answer(at(10), ['wk_here', 'wk_there'])],
    ['anything may have changed there', 'wk_a', answer(at(10), 'all')],
    ['the history there is another one', 'wk_a', answer(at(10, 'lost'), [], 'lost')],
    ['it is not known what has changed there', 'wk_a', answer(at(90_000), [], 'pruned')],
  ])('is not used when %s', (_, keyId, late) => {
    const { standing, late: question } = moved()
    expect(standing.isStillRight(question, late, keyId)).toBe(false)
  })

  it('is not used when everything was dropped here', () => {
    const { standing, changes, late } = moved()
    changes.note('all')
    expect(standing.isStillRight(late, answer(at(10), []), 'wk_a')).toBe(false)
  })

  it('is not used by a process that stood nowhere when it asked', () => {
    const { standing } = setUp()
    const question = standing.begin()
    for (const changed of ['all', []] as const)
      expect(standing.isStillRight(question, answer(at(10), changed), 'wk_a')).toBe(false)
  })

  it('is right about a digest that no key has, whatever has changed here and there', () => {
    const { standing, changes, late } = moved()
    changes.note('all')
    expect(standing.isStillRight(late, answer(at(10), ['wk_here', 'wk_there']), undefined)).toBe(true)
  })
})
