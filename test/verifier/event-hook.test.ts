import { describe, expect, it } from 'vitest'
import type { WriteKeyEvent } from '../../src/verifier/decision-event.ts'
import { createEventHook } from '../../src/verifier/event-hook.ts'

const recovered: WriteKeyEvent = { type: 'store_recovered' }
const fault = (message: string, code?: string): WriteKeyEvent => ({
  type: 'internal_error',
  error: Object.assign(new Error(message), { code }),
})

function start() {
  const events: WriteKeyEvent[] = []
  const lines: string[] = []
  const write = (_: object, text: string) => void lines.push(text)
  const logger = { error: write, warn: write }
  return { events, lines, logger, onEvent: (event: WriteKeyEvent) => events.push(event) }
}

describe('events', () => {
  it('go to the hook, and disturbances to the logger', () => {
    const { events, lines, logger, onEvent } = start()
    const refused: WriteKeyEvent = { type: 'refused', reason: 'unknown_key' }
    const emit = createEventHook(onEvent, logger)
    emit(recovered)
    emit(refused)
    expect(events).toEqual([recovered, refused])
    expect(lines).toEqual(['writekey: the store is back'])
  })

  it('may have neither', () => {
    expect(() => createEventHook(undefined, undefined)(recovered)).not.toThrow()
  })

  it('that tell of a body which something else has taken are told once for each cause', () => {
    const { events, lines, logger, onEvent } = start()
    const emit = createEventHook(onEvent, logger)
    for (let count = 0; count < 2; count++) {
      emit(fault('one', 'body_taken'))
      emit(fault('other', 'body_taken'))
      emit(fault('a bug'))
      emit(recovered)
    }
    expect(events.map((event) => ('error' in event ? event.error?.message : event.type))).toEqual([
      'one',
      'other',
      'a bug',
      'store_recovered',
      'a bug',
      'store_recovered',
    ])
    expect(lines.filter((line) => line.includes('other'))).toHaveLength(1)
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('broken')
      },
    ],
    ['rejects', () => Promise.reject(new Error('broken'))],
  ])('reach the logger though the hook %s, and the other way around', async (_, broken) => {
    const { events, lines, logger, onEvent } = start()
    const unhandled: unknown[] = []
    const note = (reason: unknown) => void unhandled.push(reason)
    process.on('unhandledRejection', note)
    try {
      createEventHook(broken, logger)(recovered)
      createEventHook(onEvent, { warn: broken })(recovered)
      await new Promise(setImmediate)
    } finally {
      process.off('unhandledRejection', note)
    }
    expect([events.length, lines.length, unhandled]).toEqual([1, 1, []])
  })
})
