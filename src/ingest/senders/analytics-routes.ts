import type { SenderRoute } from '../sender.ts'

const analyticsTypes = ['track', 'identify', 'page', 'screen', 'group', 'alias'] as const

/** `/v1/track` and `/v1/t`, and so on for every type. */
export const analyticsRoutes: readonly SenderRoute[] = [
  ...analyticsTypes.flatMap((type) =>
    [type, type.charAt(0)].map((name) => ({ path: `/v1/${name}`, eventType: type })),
  ),
  ...['batch', 'b', 'import'].map((name) => ({ path: `/v1/${name}`, eventType: 'batch' })),
]

export const analyticsEvents =
  'The path says the type; in a batch, the `type` of each event does. A key with a type rule refuses events without a type. The name is `event` of a track call, `name` of a page or screen call.'
