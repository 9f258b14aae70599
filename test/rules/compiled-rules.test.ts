import { describe, expect, it } from 'vitest'
import type { KeyRules } from '../../src/keys/fields.ts'
import { unsetFields } from '../../src/keys/settable-fields.ts'
import { createRuleCompiler } from '../../src/rules/compiled-rules.ts'
import { parseIpAddress } from '../../src/rules/ip-address.ts'
import { allowsAddress, type IpRule } from '../../src/rules/ip-rule.ts'
import { allowsOrigin, type OriginRule } from '../../src/rules/origin-rule.ts'

const noRules: KeyRules = unsetFields

const compileRules = createRuleCompiler()

describe('createRuleCompiler', () => {
  it('restricts nothing without lists', () => {
    expect(compileRules(noRules)).toEqual({ events: null, origins: null, ips: null })
  })

  it('compiles every kind of rule', () => {
    const rules = compileRules({
      ...noRules,
      allowedEventTypes: ['track'],
      allowedOrigins: ['https://app.example.com'],
      deniedIps: ['10.0.0.0/8'],
    })
    expect(rules.events?.namesOf('page')).toBeUndefined()
    expect(allowsOrigin(rules.origins as OriginRule, 'https://evil.com')).toBe(false)
    expect(allowsAddress(rules.ips as IpRule, parseIpAddress('10.1.2.3'))).toBe(false)
  })

  it('makes the same rules once for all keys that have them, and others anew', () => {
    const lists = { ...noRules, allowedEventTypes: ['track'], allowedOrigins: ['https://app.example.com'] }
    const first = compileRules(lists)
    const alike = compileRules({ ...lists, allowedOrigins: ['https://app.example.com'] })
    const other = compileRules({ ...lists, allowedOrigins: ['https://www.example.com'] })
    expect(alike.events).toBe(first.events)
    expect(other.events).toBe(first.events)
    expect(allowsOrigin(other.origins as OriginRule, 'https://app.example.com')).toBe(false)
    expect(allowsOrigin(alike.origins as OriginRule, 'https://app.example.com')).toBe(true)
  })
})
