import { expect, it } from 'vitest'
import { nameSkippedSuite, parseSkippedSuite } from './skipped-suite.ts'

it('finds the suite and the service in the name of a skipped suite, and nothing in others', () => {
  expect(parseSkippedSuite(nameSkippedSuite('the SQL store, migrated', 'PostgreSQL'))).toEqual({
    suite: 'the SQL store, migrated',
    service: 'PostgreSQL',
  })
  expect(parseSkippedSuite('the SQL store')).toBeUndefined()
})
