import { describe, expect, it } from 'vitest'
import type { KeyRules } from '../../src/keys/fields.ts'
import { unsetFields } from '../../src/keys/settable-fields.ts'
import { createRuleCompiler } from '../../src/rules/compiled-rules.ts'
import { parseIpAddress } from '../../src/rules/ip-address.ts'
import { allowsAddress, type IpRule } from '../../src/rules/ip-rule.ts'
import { allowsOrigin, type OriginRule } from '../../src/rules/origin-rule.ts'

const noRules: KeyRules = unsetFields

describe('createRuleCompiler', () => {
  it('restricts nothing without lists', () => {
    const compileRules = createRuleCompiler()
    expect(compileRules(noRules)).toEqual({ events: null, origins: null, ips: null })
  })

  it('compiles every kind of rule', () => {
    const rules = createRuleCompiler()({
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
    const compileRules = createRuleCompiler()
    const lists = { ...noRules, allowedEventTypes: ['track'], allowedOrigins: ['https://app.example.com'] }
    const first = compileRules(lists)
    const alike = compileRules({ ...lists, allowedOrigins: ['https://app.example.com'] })
    const other = compileRules({ ...lists, allowedOrigins: ['https://www.example.com'] })
    expect(alike.events).toBe(first.events)
    expect(other.events).toBe(first.events)
    expect(allowsOrigin(other.origins as OriginRule, 'https://app.example.com')).toBe(false)
    expect(allowsOrigin(alike.origins as OriginRule, 'https://app.example.com')).toBe(true)
  })

  it('tells lists of addresses apart, also allowed ones from denied ones', () => {
    const compileRules = createRuleCompiler()
    const asked = ['10.0.0.1', '10.0.0.2']
    const allowed = (fields: Partial<KeyRules>) => {
      const { ips } = compileRules({ ...noRules, ...fields })
      return asked.filter((ip) => allowsAddress(ips as IpRule, parseIpAddress(ip)))
    }
    expect(allowed({ deniedIps: ['10.0.0.1'] })).toEqual(['10.0.0.2'])
    expect(allowed({ deniedIps: ['10.0.0.2'] })).toEqual(['10.0.0.1'])
    expect(allowed({ allowedIps: ['10.0.0.1'] })).toEqual(['10.0.0.1'])
    expect(allowed({ allowedIps: ['10.0.0.2'] })).toEqual(['10.0.0.2'])
  })

  it('keeps 200 rules of a kind to share, none for lists of more than 500 characters', () => {
    const compileRules = createRuleCompiler()
    const eventsOf = (name: string) => compileRules({ ...noRules, deniedEventNames: [name] }).events
    const nameFor = (characters: number) => 'x'.repeat(characters - JSON.stringify([null, null, ['']]).length)
    expect(eventsOf(nameFor(500))).toBe(eventsOf(nameFor(500)))
    expect(eventsOf(nameFor(501))).not.toBe(eventsOf(nameFor(501)))

    const first = eventsOf('event 1')
    for (let number = 2; number < 200; number++) eventsOf(`event ${number}`)
    expect(eventsOf('event 1')).toBe(first)
    eventsOf('event 200')
    expect(eventsOf('event 1')).not.toBe(first)
  })
})
