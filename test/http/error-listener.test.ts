import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { offError } from '../../src/http/error-listener.ts'

const ignore = () => {}

describe('offError', () => {
  it('keeps an error from ending the process that is already on its way', async () => {
    const stream = new PassThrough().on('error', ignore)
    stream.destroy(new Error('aborted'))
    offError(stream, ignore)
    await new Promise((resolve) => stream.on('close', resolve))
    expect(stream.listenerCount('error')).toBe(0)
  })

  it('leaves nothing on a stream without an error', () => {
    const stream = new PassThrough().on('error', ignore)
    offError(stream, ignore)
    expect(stream.listenerCount('error')).toBe(0)
    stream.on('error', ignore).destroy()
    offError(stream, ignore)
    expect(stream.listenerCount('error')).toBe(0)
  })
})
