import { token } from './web-app.js'

/** The statuses of: an event, a gzipped one, a wrong key, a preflight. */
export async function sendEvents(url, key) {
  const gzipped = new Blob(['{"event":"x"}']).stream().pipeThrough(new CompressionStream('gzip'))
  const gzip = await new Response(gzipped).arrayBuffer()
  const asBrowser = { origin: 'https://app.example.com', 'access-control-request-method': 'POST' }
  const basic = (secret) => ({ authorization: `Basic ${btoa(`${secret}:`)}` })
  const requests = [
    { headers: basic(key), body: '{"event":"x"}' },
    { headers: { ...basic(key), 'content-encoding': 'gzip', 'content-type': 'text/plain' }, body: gzip },
    { headers: basic('sk_live_nonsense'), body: '{"event":"x"}' },
    { method: 'OPTIONS', headers: asBrowser },
  ]
  const statuses = []
  for (const request of requests) {
    const answer = await fetch(url, { method: 'POST', ...request })
    await answer.arrayBuffer()
    statuses.push(answer.status)
  }
  return statuses
}

export async function listKeys(url) {
  const answer = await fetch(`${url}/api/v1/events/write-keys`, {
    headers: { authorization: `Bearer ${token}` },
  })
  const { data } = await answer.json()
  return data.map(({ name }) => name)
}
