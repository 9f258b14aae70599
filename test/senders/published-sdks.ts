import { createRequire } from 'node:module'
import { join } from 'node:path'
import { Analytics as CustomerIo } from '@customerio/cdp-analytics-node'
import RudderStack from '@rudderstack/rudder-sdk-node'
import { Analytics as Segment3 } from '@segment/analytics-node'
import { Analytics as Segment2 } from 'analytics-node-2'
import { load } from '../neighbours/neighbour.ts'

/** A published SDK as an app has it, its batches of three events. */
interface Sdk {
  track(name: string): void
  /** Resolves at the earliest when everything is on its way. */
  flush(): Promise<unknown>
}

export type CreateSdk = (key: string, url: string) => Sdk

/** Those whose `closeAndFlush` waits for every answer, and can be called once. */
function closing(sdk: {
  track(event: { userId: string; event: string }): unknown
  closeAndFlush(options: { timeout: number }): Promise<unknown>
  flush?(options: { timeout: number }): Promise<unknown>
}): Sdk {
  return {
    track: (event) => sdk.track({ userId: '1', event }),
    flush: () => sdk.flush?.({ timeout: 15_000 }) ?? sdk.closeAndFlush({ timeout: 15_000 }),
  }
}

export const sdks: readonly (readonly [string, CreateSdk])[] = [
  [
    '@segment/analytics-node 3.1',
    (writeKey, host) => closing(new Segment3({ writeKey, host, flushAt: 3, flushInterval: 50 })),
  ],
  [
    '@segment/analytics-node 2.3',
    (writeKey, host) => closing(new Segment2({ writeKey, host, flushAt: 3, flushInterval: 50 })),
  ],
  [
    'analytics-node 6.2',
    (key, host) => {
      const Legacy = load('analytics-node')
      // Without a handler a batch that is given up becomes a rejection that nobody handles.
      const sdk = new Legacy(key, { host, flushAt: 3, flushInterval: 50, errorHandler() {} })
      return { track: (event) => sdk.track({ userId: '1', event }), flush: () => sdk.flush() }
    },
  ],
  [
    '@rudderstack/rudder-sdk-node 3.0',
    (key, dataPlaneUrl) => {
      const sdk = new RudderStack(key, { dataPlaneUrl, flushAt: 3, flushInterval: 50, logLevel: 'silly' })
      return { track: (event) => sdk.track({ userId: '1', event }), flush: () => sdk.flush() }
    },
  ],
  [
    '@customerio/cdp-analytics-node 0.5',
    (writeKey, host) =>
      closing(new CustomerIo({ writeKey, host, maxEventsInBatch: 3, flushInterval: 50 } as never) as never),
  ],
]

/** What is used of Inngest's SDK. */
export interface InngestClient {
  send(events: object | object[]): Promise<{ ids: string[] }>
}

/** @param folder where `npm run install:inngest` has put it */
export function createInngest(folder: string, eventKey: string, baseUrl: string): InngestClient {
  const { Inngest } = createRequire(join(folder, 'index.js'))('inngest')
  return new Inngest({ id: 'shop', eventKey, baseUrl })
}
