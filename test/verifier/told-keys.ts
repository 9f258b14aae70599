import { onTestFinished } from 'vitest'
import {
  type CreateKeyInput,
  createMemoryStore,
  createWriteKeys,
  type WriteKeyEvent,
  type WriteKeysOptions,
} from '../../src/index.ts'

/** Keys with a clock that the test moves, and every event that they tell. Closed with the test. */
export function startTold(options: WriteKeysOptions = {}) {
  let ms = 1_800_000_000_000
  const events: WriteKeyEvent[] = []
  const keys = createWriteKeys({
    store: createMemoryStore(),
    clock: () => ms,
    logger: false,
    onEvent: (event) => events.push(event),
    ...options,
  })
  onTestFinished(() => keys.close())
  return {
    keys,
    events,
    make: (fields: Partial<CreateKeyInput>) => keys.create({ name: 'Web', sourceType: 'web', ...fields }),
    wait(forMs: number) {
      ms += forMs
    },
  }
}
