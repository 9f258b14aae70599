import { type ForwardEvents, forwardEvents } from 'writekey/ingest'

// Made by the first request: `next build` loads this file without the settings of the server.
let forward: ForwardEvents | undefined

export function POST(request: Request): Promise<Response> {
  forward ??= forwardEvents({
    to: process.env.EVENTS_URL ?? '',
    key: process.env.WRITE_KEY ?? '',
    ip: ({ headers }) => headers.get('x-real-ip') ?? undefined,
  })
  return forward(request)
}
export const OPTIONS = POST
