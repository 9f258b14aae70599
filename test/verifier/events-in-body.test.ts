import { describe, expect, it } from 'vitest'
import { batchFieldOf, findEvents } from '../../src/verifier/events-in-body.ts'

describe('where a body keeps its events', () => {
  it.each<[string, unknown, string | null | undefined]>([
    ['the only such property', { events: [] }, 'events'],
    ['the only one of them that is its own', Object.assign({ batch: 1 }, { other: 2 }), 'batch'],
    ['none of an event', { event: 'a' }, undefined],
    ['none of a list', Object.assign([], { batch: [] }), undefined],
    ['none of null', null, undefined],
    ['none of nothing', undefined, undefined],
    ['unknown where there are two', { batch: [], events: [] }, null],
  ])('is %s', (_, body, expected) => {
    expect(batchFieldOf(body, ['batch', 'events'])).toBe(expected)
  })
})

describe('the events of a body', () => {
  const event = { type: 'track' }
  it.each<[string, unknown, string | undefined, unknown[] | undefined]>([
    ['those of a list', [event, 1], undefined, [event, 1]],
    ['none of an empty list', [], undefined, undefined],
    ['the body itself', event, undefined, [event]],
    ['none of a text', 'track', undefined, undefined],
    ['none of nothing', undefined, undefined, undefined],
    ['none of nothing, wherever', undefined, 'batch', undefined],
    ['those of the property', { sentAt: 'x', batch: [event] }, 'batch', [event]],
    ['those of the property, beside the type of all batches', { type: 'batch', b: [event] }, 'b', [event]],
    ['none of an empty batch', { batch: [] }, 'batch', undefined],
    ['none of a text as batch', { batch: 'track' }, 'batch', undefined],
    ['none beside another type', { type: 'track', batch: [event] }, 'batch', undefined],
    ['none beside a type that is no text', { type: undefined, batch: [event] }, 'batch', undefined],
    ['none beside an event', { event: 'a', batch: [event] }, 'batch', undefined],
    ['none beside a name', { name: 'a', batch: [event] }, 'batch', undefined],
    ['none beside a prototype', JSON.parse('{"__proto__":{},"batch":[1]}'), 'batch', undefined],
  ])('are %s', (_, body, batchField, expected) => {
    expect(findEvents(body, batchField)).toEqual(expected)
  })
})
