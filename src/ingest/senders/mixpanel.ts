import { createBodyForm, messageId, type SenderBodyForm, textOf, typeByName } from '../body-form.ts'
import { isAsked } from '../own-answers.ts'
import { batchRoutes, type Sender } from '../sender.ts'

export const mixpanel: Sender = {
  name: 'mixpanel',
  title: 'Mixpanel',
  packages: ['mixpanel 0.24'],
  methods: ['POST', 'GET'],
  routes: [
    ...batchRoutes('/track', '/import'),
    { path: '/engage', eventType: 'batch', form: mixpanelForm(() => 'identify', '$token') },
    { path: '/groups', eventType: 'batch', form: mixpanelForm(() => 'group', '$token') },
  ],
  credentials: Object.freeze(['basic', 'body']),
  keyIn:
    '`token` of the `properties` of each event, `$token` of a profile. If there are several, they must be equal. Or Basic, which then counts alone',
  batchFields: Object.freeze(['batch']),
  form: mixpanelForm(mixpanelType, 'properties'),
  dataIn: 'data',
  query: ['verbose'],
  prefix: "`path: '/ingest'` beside `host`; mixpanel-browser has it in `api_host`",
  body: 'JSON; a form with `data` in base64 or JSON; or `data` in the query of a GET',
  types:
    'Everything for `/engage` is identify, everything for `/groups` group. Elsewhere `$identify` is identify, `$create_alias` and `$merge` are alias, and what has no `event` is a profile: identify, or group where it has a `$group_key`; every other event is track. The name is `event`; an event whose name is empty or no text is refused with `invalid_event`.',
  answers: {
    words: '`1`, or `{ "status": 1 }` where it asks for `verbose`',
    success: (_, request) =>
      isAsked(request, 'verbose')
        ? { body: '{"error":null,"status":1}' }
        : { body: '1', type: 'text/plain; charset=utf-8' },
    refusal: (problem, request) =>
      isAsked(request, 'verbose') ? { ...problem, status: 0, error: problem.detail } : problem,
  },
  loses:
    'mixpanel 0.24 tries once, whatever the answer. Anything but `1` is an error for the callback, and the events are lost unless the caller sends them again.',
}

type EventFields = Readonly<Record<string, unknown>>

/**
 * @param typeOf its API goes by the path, so a profile stays one whatever else it holds
 * @param homeOfKey where its API looks for the key
 */
function mixpanelForm(
  typeOf: (event: EventFields) => string | null,
  homeOfKey: '$token' | 'properties',
): SenderBodyForm {
  return createBodyForm({
    batchFields: ['batch'],
    keyFields: ['$token', 'token'],
    tokenIn: 'properties',
    homeOfKey: () => homeOfKey,
    describe(event) {
      const { properties } = event as { properties?: Record<string, unknown> }
      const id =
        typeof properties === 'object' && properties !== null ? textOf(properties, '$insert_id') : undefined
      return { type: typeOf(event), ...messageId(event, id) }
    },
  })
}

const mixpanelTypes: Readonly<Record<string, string>> = {
  $identify: 'identify',
  $create_alias: 'alias',
  $merge: 'alias',
}

function mixpanelType(event: EventFields): string | null {
  if (Object.hasOwn(event, 'event')) return typeByName(textOf(event, 'event'), mixpanelTypes)
  return Object.hasOwn(event, '$group_key') ? 'group' : 'identify'
}
