import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { compileEventRule } from '../../src/rules/event-rule.ts'
import {
  type CheckedEvents,
  checkEvents,
  type EventCheck,
  echoType,
  type RefusedEvents,
} from '../../src/verifier/events.ts'

const listed = ['a', 'b/*']
const rule = compileEventRule({
  allowedEventTypes: ['track', 'page', 'order'],
  allowedEventNames: listed,
  deniedEventNames: ['b/x*'],
})
const denying = compileEventRule({
  allowedEventTypes: null,
  allowedEventNames: null,
  deniedEventNames: ['b/x*'],
})

function check(body: unknown, options: Partial<EventCheck> = {}): CheckedEvents | RefusedEvents {
  return checkEvents(body, {
    routeType: null,
    rule,
    onForbiddenEvent: 'drop',
    maxEvents: 20,
    batchFields: ['batch'],
    keyFields: [],
    ...options,
  })
}

/** Why the first event is not accepted; `undefined` when it is. */
function refusal(body: unknown, options?: Partial<EventCheck>): string | undefined {
  const checked = check(body, options)
  return checked.ok ? checked.rejected[0]?.code : checked.reason
}

/** What an event says by itself, whatever it inherits. */
function own(event: object): Map<string, unknown> {
  const names = Object.getOwnPropertyNames(event)
  return new Map(names.map((name) => [name, Reflect.get(event, name)]))
}

function isNameAllowed(name: unknown): boolean {
  return typeof name === 'string' && (name === 'a' || name.startsWith('b/')) && !name.startsWith('b/x')
}

/** Where objects come from that `JSON.parse` makes in this program, or in another realm of it. */
const foreignPrototype = runInNewContext('Object.prototype') as object

/** The rules of docs and comments, one after another, for one event. */
function slowlyRefused(event: unknown, routeType: string | null): string | undefined {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) return 'invalid_event'
  const said = own(event)
  if (said.has('__proto__') || Array.isArray(said.get('batch'))) return 'invalid_event'
  const type = said.get('type') ?? undefined
  if (said.get('type') === null || (type !== undefined && typeof type !== 'string')) return 'invalid_event'
  if (routeType !== null && type !== undefined && type !== routeType) return 'event_type_mismatch'
  const known = type ?? routeType
  if (known !== 'track' && known !== 'page' && known !== 'order') return 'event_type_not_allowed'
  const properties = { track: ['event'], page: ['name'], order: ['event', 'name'] }[known]
  const names = properties.filter((property) => said.has(property))
  const fits = names.length > 0 && names.every((property) => isNameAllowed(said.get(property)))
  return fits ? undefined : 'event_name_not_allowed'
}

const value = fc.constantFrom(
  'track',
  'page',
  'order',
  'group',
  'a',
  'b/',
  'b/y',
  'b/x',
  'c',
  7,
  null,
  undefined,
  [],
)
const properties = fc
  .array(fc.tuple(fc.constantFrom('type', 'event', 'name', 'batch', '__proto__', 'x'), value), {
    maxLength: 4,
  })
  .map((entries) => new Map<string, unknown>(entries))
const prototype = fc.oneof(fc.constant(Object.prototype), fc.constant(foreignPrototype))

function withOwn(parent: object | null, named: ReadonlyMap<string, unknown>): object {
  const object = Object.create(parent)
  for (const [name, content] of named) {
    Object.defineProperty(object, name, {
      value: content,
      enumerable: true,
      configurable: true,
      writable: true,
    })
  }
  return object
}

describe('checkEvents', () => {
  it('judges each event by what it says itself, whatever came before it and whatever it inherits', () => {
    const event = fc.oneof(
      {
        weight: 20,
        arbitrary: fc.tuple(prototype, properties).map(([parent, named]) => withOwn(parent, named)),
      },
      fc.constantFrom(null, 'text', 7, []),
    )
    const routeType = fc.constantFrom('track', 'page', 'group', null)
    fc.assert(
      fc.property(fc.array(event, { minLength: 1, maxLength: 8 }), routeType, (events, type) => {
        const expected = events.map((one) => slowlyRefused(one, type))
        const checked = check(events, { routeType: type })
        if (expected.includes('event_type_mismatch')) {
          expect(checked).toEqual({ ok: false, reason: 'event_type_mismatch' })
          return
        }
        const accepted = events.filter((_, index) => expected[index] === undefined)
        const rejected = [...expected.entries()].filter(([, code]) => code !== undefined)
        if (accepted.length === 0) {
          const forbidden = expected.find((code) => code !== 'invalid_event') ?? 'event_type_not_allowed'
          expect(checked).toMatchObject({ ok: false, reason: forbidden })
          return
        }
        if (!checked.ok) throw new Error(checked.reason)
        expect(checked.events).toEqual(accepted)
        expect(checked.rejected.map(({ index, code }) => [index, code])).toEqual(rejected)
      }),
      { numRuns: 5_000 },
    )
  })

  describe('with a polluted Object.prototype', () => {
    const polluted = ['type', 'event', 'name', 'batch', 'writeKey']
    afterEach(() => {
      for (const name of polluted) Reflect.deleteProperty(Object.prototype, name)
    })
    const pollute = (values: Record<string, unknown>) => {
      for (const [name, content] of Object.entries(values)) {
        Object.defineProperty(Object.prototype, name, { value: content, configurable: true, writable: true })
      }
    }

    it('takes no type from it', () => {
      pollute({ type: 'track' })
      expect(refusal({ event: 'a' })).toBe('event_type_not_allowed')
      expect(refusal({ event: 'a' }, { routeType: 'page' })).toBe('event_name_not_allowed')
      expect(refusal({ name: 'a' }, { routeType: 'page' })).toBeUndefined()
    })

    it('takes no name from it, and holds none against an event', () => {
      pollute({ event: 'a', name: 'a' })
      expect(refusal({ type: 'track' })).toBe('event_name_not_allowed')
      expect(refusal({ type: 'order' })).toBe('event_name_not_allowed')
      pollute({ event: 'b/x', name: 'b/x' })
      expect(refusal({ type: 'track' }, { rule: denying })).toBeUndefined()
      expect(refusal({ type: 'track', event: 'b/x' }, { rule: denying })).toBe('event_name_not_allowed')
    })

    it('finds no batch and no key in it', () => {
      pollute({ batch: [{ type: 'group' }], writeKey: 'sk_live_x' })
      const event = { type: 'track', event: 'a' }
      const checked = check(event)
      if (!checked.ok) throw new Error(checked.reason)
      expect(checked.body).toBe(event)
      expect(checked.events[0]).toBe(event)
    })
  })

  it('throws over events that JSON has none of: whoever handed them in made them', () => {
    class Tracked {
      type = 'track'
      event = 'a'
    }
    const bare = Object.assign(Object.create(null), { type: 'track', event: 'a' })
    for (const event of [new Tracked(), bare, new Map(), new Date(), new URLSearchParams('type=track')]) {
      expect(() => check([event])).toThrow(TypeError)
      expect(() => check({ batch: [{ type: 'track', event: 'a' }, event] })).toThrow(TypeError)
    }
  })

  it('finds no event beside a batch', () => {
    const batch = [{ type: 'track', event: 'a' }]
    for (const beside of [
      { type: 'track' },
      { type: null },
      { event: 'a' },
      { name: 'a' },
      { event: undefined },
    ]) {
      expect(refusal({ ...beside, batch })).toBe('invalid_event')
    }
    expect(refusal({ type: 'batch', sentAt: 'x', context: {}, batch })).toBeUndefined()
  })

  it('reads own getters', () => {
    const event = {
      get type() {
        return 'track'
      },
      get event() {
        return 'a'
      },
    }
    expect(refusal(event)).toBeUndefined()
    expect(refusal({ batch: [event] }, { routeType: 'page' })).toBe('event_type_mismatch')
  })

  it('sees through a proxy, and asks it what is its own', () => {
    expect(refusal(new Proxy({ type: 'track', event: 'a' }, {}))).toBeUndefined()
    expect(refusal(new Proxy({ batch: [{ type: 'track', event: 'c' }] }, {}))).toBe('event_name_not_allowed')
    const inventing = (invented: Record<string, unknown>) => ({
      get: (target: object, name: string) => invented[name] ?? Reflect.get(target, name),
    })
    expect(refusal(new Proxy({ event: 'a' }, inventing({ type: 'track' })))).toBe('event_type_not_allowed')
    expect(refusal(new Proxy({ type: 'track' }, inventing({ event: 'a' })))).toBe('event_name_not_allowed')
    expect(refusal(new Proxy({ type: 'track', event: 'a' }, inventing({ batch: [] })))).toBeUndefined()
  })

  it('refuses an own __proto__ in an event and beside a batch', () => {
    const hidden = JSON.parse('{"type": "track", "event": "a", "__proto__": {}}')
    expect(refusal(hidden)).toBe('invalid_event')
    expect(refusal([hidden], { onForbiddenEvent: 'reject' })).toBe('invalid_event')
    expect(refusal({ batch: [hidden] }, { onForbiddenEvent: 'reject' })).toBe('invalid_event')
    expect(check([hidden, { type: 'track', event: 'a' }])).toMatchObject({
      rejected: [{ index: 0, code: 'invalid_event' }],
    })
    expect(refusal(JSON.parse('{"batch": [{"type": "track", "event": "a"}], "__proto__": {}}'))).toBe(
      'invalid_event',
    )
  })
})

describe('what handlers get', () => {
  const event = { type: 'track', event: 'a' }
  const keyed = { ...event, writeKey: 'x', api_key: 'y' }

  it('has no key in it, in an event, beside a batch, or in a list', () => {
    const handed = (body: unknown, keyFields: string[] = []) => {
      const checked = check(body, { rule: null, keyFields })
      return checked.ok ? { events: checked.events, body: checked.body } : checked.reason
    }
    const { writeKey: _, ...rest } = keyed
    expect(handed(event)).toEqual({ events: [event], body: event })
    expect(handed(keyed)).toEqual({ events: [rest], body: rest })
    expect(handed(keyed, ['api_key'])).toEqual({ events: [event], body: event })
    expect(handed({ ...event, api_key: 'y' }, ['api_key'])).toEqual({ events: [event], body: event })
    expect(handed([event, keyed], ['api_key'])).toEqual({ events: [event, event], body: [event, event] })
    const batch = { batch: [event], writeKey: 'x', api_key: 'y', sentAt: 'z' }
    expect(handed(batch, ['api_key'])).toEqual({ events: [event], body: { batch: [event], sentAt: 'z' } })
    expect(handed({ ...batch, batch: [keyed] }, ['api_key'])).toEqual({
      events: [event],
      body: { batch: [event], sentAt: 'z' },
    })
    expect(handed([event])).toEqual({ events: [event], body: [event] })
  })

  it('is at most as many events as may come at once', () => {
    expect(check([event, event], { maxEvents: 2 }).ok).toBe(true)
    expect(refusal([event, event, event], { maxEvents: 2 })).toBe('too_many_events')
  })

  it('is the accepted events alone under drop, with the others told', () => {
    const other = { type: 'page', name: 'c' }
    expect(check({ batch: [event, other, 7, event], x: 1 })).toMatchObject({
      ok: true,
      events: [event, event],
      body: { batch: [event, event], x: 1 },
      rejected: [
        { index: 1, type: 'page', code: 'event_name_not_allowed' },
        { index: 2, type: null, code: 'invalid_event' },
      ],
    })
  })

  it('is nothing where all are refused: ten are named, with their types as far as they look like one', () => {
    const refused = check(Array.from({ length: 12 }, () => ({ type: 'group' })))
    const rejected = Array.from({ length: 10 }, (_, index) => ({ index, type: 'group' }))
    expect(refused).toEqual({ ok: false, reason: 'event_type_not_allowed', rejected })
    expect(check([7])).toEqual({
      ok: false,
      reason: 'event_type_not_allowed',
      rejected: [{ index: 0, type: null }],
    })
    expect(check({ type: 'group' }, { onForbiddenEvent: 'drop' })).toMatchObject({ ok: false })
  })

  it('names no type that is a text of its own', () => {
    const long = 'x'.repeat(33)
    expect([long, long.slice(1), 'a b', '<b>', '', 'a.b:c_d-e', null, undefined].map(echoType)).toEqual([
      null,
      long.slice(1),
      null,
      null,
      null,
      'a.b:c_d-e',
      null,
      null,
    ])
  })
})
