import { createWriteKeys } from 'writekey'
import { writeKeyAuth } from 'writekey/fetch'

const keys = createWriteKeys()
const auth = writeKeyAuth(keys)
const created = keys.create({ name: 'Next', sourceType: 'web', allowedEventTypes: ['track'] })

export const POST = (request: Request) =>
  auth(request, async (key, accepted) => Response.json({ events: key.events, body: await accepted.json() }))
export const OPTIONS = POST
/** For the test alone. */
export const PUT = async () => new Response((await created).key)
