/** What a test asserts about a value. Vitest's and Jest's `expect` return this. */
export interface Expectation {
  toBe(expected: unknown): void
  toEqual(expected: unknown): void
  toMatchObject(expected: object): void
  toContain(expected: unknown): void
  toMatch(expected: RegExp): void
  toBeUndefined(): void
  toBeGreaterThan(expected: number): void
  toBeGreaterThanOrEqual(expected: number): void
  toBeLessThanOrEqual(expected: number): void
}

/**
 * The functions of your test runner, so that this package needs none: `{ describe, it, expect }` of Vitest or
 * Jest.
 */
export interface TestTools {
  describe(name: string, body: () => void): void
  it(name: string, body: () => Promise<void> | void): void
  expect(value: unknown): Expectation
}

/** The same, with a hook for when all tests of a group have run (`after` of `node:test`). */
export interface TestHooks extends TestTools {
  afterAll(body: () => Promise<void> | void): void
}
