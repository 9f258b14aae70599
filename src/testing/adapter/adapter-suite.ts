import type { Expectation } from '../test-tools.ts'
import type { AdapterConfig, AdapterServer, FrameworkRefusals } from './adapter-harness.ts'
import { signedUp } from './golden/answers.ts'
import { basic } from './golden/golden-request.ts'
import { toWire } from './raw-http.ts'

/** Midday of 15 January 2026. */
export const frozenAt = Date.UTC(2026, 0, 15, 12)

/** A server with one key. */
interface ServerWithKey extends AdapterServer {
  key: string
  keyId: string
}

/** Shared by the parts of the adapter contract. */
export interface AdapterSuite extends Required<FrameworkRefusals> {
  /** A test whose servers are closed behind it. */
  test(behaviour: string, body: () => Promise<void>): void
  expect(value: unknown): Expectation
  launch(config?: Partial<AdapterConfig>): Promise<AdapterServer>
  launchWithKey(config?: Partial<AdapterConfig>, rateLimitEps?: number | null): Promise<ServerWithKey>
  closeAll(): Promise<void>
  /** One track event. */
  trackBody: string
  /** A request with it, as bytes. */
  track(key: string, headers?: readonly string[], body?: string | Uint8Array): Buffer
}

export const trackBody: string = JSON.stringify(signedUp)

export function track(
  key: string,
  headers: readonly string[] = [],
  body: string | Uint8Array = trackBody,
): Buffer {
  return toWire(
    'POST /v1/track HTTP/1.1',
    [
      'Host: localhost',
      `Authorization: ${basic(key)}`,
      'Content-Type: application/json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      ...headers,
    ],
    body,
  )
}
