import { describe, expect, it } from 'vitest'
import { compileRules } from '../../src/rules/compiled-rules.ts'
import type { RuleFields } from '../../src/rules/rule-fields.ts'

const noRules: RuleFields = {
  allowedEventTypes: null,
  allowedEventNames: null,
  deniedEventNames: null,
  allowedOrigins: null,
  allowedIps: null,
  deniedIps: null,
}

describe('compileRules', () => {
  it('restricts nothing without lists', () => {
    expect(compileRules(noRules)).toEqual({ events: null, origins: null, ips: null })
  })

  it('compiles every kind of rule and cannot be changed afterwards', () => {
    const rules = compileRules({
      ...noRules,
      allowedEventTypes: ['track'],
      allowedOrigins: ['https://app.example.com'],
      deniedIps: ['10.0.0.0/8'],
    })
    expect(rules.events?.namesOf('page')).toBeUndefined()
    expect(rules.origins?.allows('https://evil.com')).toBe(false)
    expect(rules.ips?.allows('10.1.2.3')).toBe(false)
    expect(Object.isFrozen(rules)).toBe(true)
  })
})
