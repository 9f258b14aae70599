import type { CredentialRequest } from '../../http/ingest-request.ts'
import { createPageForm } from '../event-form.ts'
import { batchRoutes, type Sender } from '../sender.ts'

/** Of a path for pages or screens, whatever the event itself says: a contradiction is refused. */
const pageForm = createPageForm('batch', () => true)
const mixedForm = createPageForm('batch', (type) => type === 'page' || type === 'screen')

const jitsuTypes = ['track', 'identify', 'page', 'screen', 'group', 'alias'] as const

export const jitsu: Sender = {
  name: 'jitsu',
  title: 'Jitsu',
  packages: ['@jitsu/js 1.11'],
  methods: ['POST'],
  routes: ['/api/s', '/api/s/s2s'].flatMap((path) => [
    ...jitsuTypes.map((type) => ({
      path: `${path}/${type}`,
      eventType: type,
      ...((type === 'page' || type === 'screen') && { form: pageForm }),
    })),
    ...batchRoutes(`${path}/event`, `${path}/batch`).map((route) => ({ ...route, form: mixedForm })),
  ]),
  credentials: Object.freeze([jitsuSecret, 'header', 'basic', 'query']),
  keyHeader: 'x-write-key',
  keyIn:
    '`X-Write-Key`, as `anything:KEY`, because the SDK requires a colon in the key; `?writekey=`; or Basic',
  batchFields: Object.freeze(['batch']),
  prefix: "`host: 'https://example.com/ingest'`",
  body: 'JSON: one event, or a batch',
  types:
    'The path says the type. The name is `event` of a track call. Of a page or screen call it is `name`, or else `name` of its `properties`, where the SDK puts it; handlers also find it as `name`.',
  answers: {
    words: '`{ "ok": true }`',
    success: ({ rejected }) => ({
      body: JSON.stringify({ ok: true, ...(rejected.length > 0 && { rejected }) }),
    }),
  },
  loses:
    '@jitsu/js 1.11 tries once, whatever the answer, and the event is lost. `errorPolicy` says whether it logs, throws or calls a function.',
}

/** The part after the colon. Without a colon the header holds the key alone. */
function jitsuSecret({ headers }: CredentialRequest): string | undefined {
  const value = headers['x-write-key']
  return typeof value === 'string' && value.includes(':') ? value.slice(value.indexOf(':') + 1) : undefined
}
