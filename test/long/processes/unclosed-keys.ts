import { createWriteKeys } from '../../../src/index.ts'
import { createSqlStore } from '../../../src/stores/sql/index.ts'

/** Uses write keys as a script does that has never heard of `close`. */
const { url } = JSON.parse(process.argv[2] as string) as { url: string }
const keys = createWriteKeys({ store: createSqlStore({ url }) })
const { key, writeKey } = await keys.create({ name: 'Web', sourceType: 'web' })
const verdict = await keys.verify({
  method: 'POST',
  path: '/v1/track',
  headers: { authorization: `Basic ${Buffer.from(`${key}:`).toString('base64')}` },
  body: { event: 'Signed Up' },
})
// Both pools have been used, and more than one connection of each.
await Promise.all(Array.from({ length: 6 }, () => keys.get(writeKey.id)))
await Promise.all(Array.from({ length: 6 }, () => keys.list()))
// Longer than anything that begins in the background takes to begin.
await new Promise((resolve) => setTimeout(resolve, 300))
process.send?.({ ready: true })
if (!verdict.ok) process.exitCode = 1
