import { afterEach, describe, expect, it, vi } from 'vitest'
import { sharedByCopies, sharedLayout } from '../../src/runtime/shared-by-copies.ts'

async function loadAgain(): Promise<typeof sharedByCopies> {
  vi.resetModules()
  const again = await import('../../src/runtime/shared-by-copies.ts')
  expect(again.sharedByCopies).not.toBe(sharedByCopies)
  return again.sharedByCopies
}

afterEach(() => {
  vi.restoreAllMocks()
})

describe('sharedByCopies', () => {
  it('gives every copy what the first has made', async () => {
    const first = sharedByCopies('test', () => ({}))
    const second = await loadAgain()
    expect(second('test', () => ({}))).toBe(first)
    expect(second('another test', () => ({}))).not.toBe(first)
  })

  it('keeps out of the way of whoever lists what is global', () => {
    const name = Symbol.for(`writekey.shared.${sharedLayout}`)
    expect(Object.getOwnPropertyDescriptor(globalThis, name)).toMatchObject({
      enumerable: false,
      writable: false,
    })
  })

  it('gives each copy its own where the global object takes nothing', async () => {
    const name = Symbol.for(`writekey.shared.${sharedLayout}`)
    const before = Object.getOwnPropertyDescriptor(globalThis, name) as PropertyDescriptor
    Reflect.deleteProperty(globalThis, name)
    const refused = vi.spyOn(Reflect, 'defineProperty').mockReturnValue(false)
    const [one, other] = [await loadAgain(), await loadAgain()]
    expect(refused).toHaveBeenCalledTimes(2)
    expect(one('test', () => ({}))).toBe(one('test', () => ({})))
    expect(one('test', () => ({}))).not.toBe(other('test', () => ({})))
    Object.defineProperty(globalThis, name, before)
  })
})
