/** Starts the server of Bun or Deno. @param fetch called with a request and its address */
export async function serveWeb(fetch) {
  if (globalThis.Bun !== undefined) {
    const ip = (request) => server.requestIP(request)?.address
    const server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      maxRequestBodySize: 1e9,
      fetch: (request) => fetch(request, ip(request)),
      error: () => new Response('failed', { status: 500 }),
    })
    return { port: server.port, stop: () => server.stop(true) }
  }
  const server = Deno.serve({ port: 0, hostname: '127.0.0.1', onListen() {} }, (request, { remoteAddr }) =>
    fetch(request, remoteAddr.hostname),
  )
  return { port: server.addr.port, stop: () => server.shutdown() }
}
