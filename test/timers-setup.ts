import { afterAll } from 'vitest'

/**
 * Test files share a process. What a test has not closed ends with its file: an interval that holds no process up would
 * otherwise keep it in memory until the last file.
 */
const { setInterval: set } = globalThis
const made = new Set<NodeJS.Timeout>()

globalThis.setInterval = Object.assign((...args: Parameters<typeof set>) => {
  const timer = set(...args)
  made.add(timer)
  return timer
}, set)

afterAll(() => {
  globalThis.setInterval = set
  for (const timer of made) if (!timer.hasRef()) clearInterval(timer)
})
