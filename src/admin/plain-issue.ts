import type { z } from 'zod'

const types: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
}

/** What is wrong with a value and how to mend it, after the name of its field; undefined: as the schema says. */
export function plainIssue(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.input === undefined) return 'is missing'
      return `must be ${types[issue.expected] ?? issue.expected}`
    case 'invalid_value':
      return `must be ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.join(', ')}`
    case 'too_small':
      return `must ${bound(issue.origin, 'at least', Number(issue.minimum))}`
    case 'too_big':
      return `must ${bound(issue.origin, 'at most', Number(issue.maximum))}`
    case 'invalid_format':
      if (issue.format === 'datetime')
        return 'must be a moment in ISO 8601 with a zone, such as 2027-01-31T12:00:00Z'
      return issue.pattern === undefined ? undefined : `must match ${issue.pattern}`
    default:
      return undefined
  }
}

function bound(origin: string, which: 'at least' | 'at most', limit: number): string {
  if (origin === 'string') return `have ${which} ${limit} ${limit === 1 ? 'character' : 'characters'}`
  if (origin === 'array') return `have ${which} ${limit} ${limit === 1 ? 'entry' : 'entries'}`
  return `be ${which} ${limit}`
}
