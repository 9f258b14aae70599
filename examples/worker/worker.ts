import { type ForwardEvents, forwardEvents } from 'writekey/ingest'

let forward: ForwardEvents | undefined

export default {
  fetch(request: Request, env: { EVENTS_URL: string; WRITE_KEY: string }): Promise<Response> {
    forward ??= forwardEvents({
      to: env.EVENTS_URL,
      key: env.WRITE_KEY,
      // Cloudflare sets it on every request.
      ip: ({ headers }) => headers.get('cf-connecting-ip') ?? undefined,
    })
    return forward(request)
  },
}
