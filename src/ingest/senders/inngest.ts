import { createUntypedForm } from '../event-form.ts'
import type { Sender } from '../sender.ts'

export const inngest: Sender = {
  name: 'inngest',
  title: 'Inngest',
  packages: ['inngest 4.24'],
  methods: ['POST'],
  routes: [{ path: '/e/:key', eventType: 'batch' }],
  credentials: Object.freeze([Object.freeze({ path: '/e/:key' })]),
  batchFields: Object.freeze(['batch']),
  prefix:
    "`baseUrl: 'https://example.com/ingest/'`, with the slash at the end: without it the last segment is dropped",
  body: 'JSON: one event or a list',
  form: createUntypedForm('batch'),
  types:
    'Events have no type, so a key with a type rule refuses them. If an event has a `type` anyway, it is removed. The name is `name`. Events without an `id` get one, and the answer contains it.',
  carriedIn: 'data',
  answers: 'ids',
  loses:
    'Tries 5 times within two seconds, whatever the answer, and then rejects `send()`. Calls that you do not await may arrive in another order.',
}
