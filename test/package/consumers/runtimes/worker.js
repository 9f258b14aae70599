import { createWebApp } from './web-app.js'

let started
export default {
  async fetch(request, { TARGET }, context) {
    // Making a key needs random numbers, which Workers have from the first request on.
    started ??= createWebApp(TARGET)
    const { app, keys, key, writeKey } = await started
    const { pathname } = new URL(request.url)
    if (pathname === '/key') return new Response(key)
    if (pathname === '/counted') return Response.json((await keys.usage(writeKey.id)).acceptedTotal)
    const ip = request.headers.get('cf-connecting-ip') ?? undefined
    const answer = await app.fetch(request, { ip })
    context.waitUntil(keys.flush())
    return answer
  },
}
