// The suite for adapters inside a worker: it opens connections to the sockets that lead back to itself. Each socket is one
// server of the suite.
import { runContract, webHarnesses, webRefusals } from './suite.js'

/** What workerd's own HTTP reads differently, before anything of ours runs. */
const folded = {
  ...webRefusals.folded,
  ...Object.fromEntries(
    ['/v1/page#/track', '/v1/track#', '/v1/track?x#/page', 'http://localhost/v1/page#/track'].map(
      (target) => [`${target} is ambiguous`, 'without its fragment'],
    ),
  ),
  'an ambiguous path is refused before the key is looked at': 'without its fragment',
  'a GET of an ambiguous path is refused, too': 'without its fragment',
  'an empty Origin is refused like a foreign one': 'without the field',
}
const skipped = {
  'on a connection: answers a body cut off by its chunked framing with 400 or not at all':
    'for workerd this client has left: the answer is that of `client_aborted`',
  'on a connection: serves 200 refused requests, whose bodies come late, on one connection':
    'workerd closes a connection whose body was not read',
  'on a connection: answers a sender that sends all of a body that is too large before it reads':
    'workerd closes a connection whose body was not read',
  'has left no rejection unhandled': 'the sockets that the suite closes leave some inside node:net',
}

const servers = []

const serveOn = (ports) => async (fetch) => {
  const slot = ports.findIndex((_, index) => servers[index] === undefined)
  if (slot === -1) throw new Error('no socket is free')
  servers[slot] = fetch
  return {
    port: ports[slot],
    stop() {
      servers[slot] = undefined
    },
  }
}

export default {
  async fetch(request, _environment, { props }) {
    // All connections come from here, which nothing but Cloudflare's own header would say.
    if (props.slot !== undefined) return servers[props.slot](request, '127.0.0.1')
    const { name, ports } = await request.json()
    const harness = webHarnesses(serveOn(ports))[name]
    return Response.json({
      ...(await runContract(name, harness, { ...webRefusals, folded }, skipped)),
      skipped,
    })
  },
}
