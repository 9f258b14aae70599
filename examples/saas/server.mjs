import { randomUUID } from 'node:crypto'
import { pathToFileURL } from 'node:url'
import express from 'express'
import { createWriteKeys } from 'writekey'
import { createAdminApi } from 'writekey/admin'
import { adminRoutes, writeKeyAuth, writeKeyOf } from 'writekey/express'

/** The customers of this service, and who of them is signed in. Yours come from your database. */
const people = new Map([
  ['ada@acme.example', { password: 'acme-password', workspace: 'acme' }],
  ['bob@globex.example', { password: 'globex-password', workspace: 'globex' }],
])
/** @type {Map<string, { name: string, workspace: string }>} */
const sessions = new Map()

const sessionOf = (/** @type {string | null | undefined} */ cookie) =>
  sessions.get(/(?:^|; )session=([\w-]{36})/.exec(cookie ?? '')?.[1] ?? '')

export const keys = createWriteKeys({
  plans: { free: { rateLimitEps: 50, senderRateLimitEps: 5, monthlyEvents: 100_000 } },
  defaultPlan: 'free',
})

const admin = createAdminApi(keys, {
  // Every route, stream and list of the page goes by this: a customer sees the keys of their workspace alone.
  authorize(request) {
    const session = sessionOf(request.headers.get('cookie'))
    return session ? { name: session.name, role: 'admin', workspace: session.workspace } : null
  },
})

export const app = express()
app.post('/sign-in', express.urlencoded({ extended: false }), (request, response) => {
  const person = people.get(request.body?.email)
  if (person === undefined || person.password !== request.body.password) {
    response.status(401).send('Wrong address or password')
    return
  }
  const id = randomUUID()
  sessions.set(id, { name: request.body.email, workspace: person.workspace })
  response.cookie('session', id, { httpOnly: true, sameSite: 'lax' }).redirect('/events/write-keys')
})
app.get('/', (_request, response) => {
  response.send(`<form method="post" action="/sign-in"><input name="email" placeholder="ada@acme.example">
    <input name="password" type="password" placeholder="acme-password"><button>Sign in</button></form>`)
})
app.use(adminRoutes(admin))
app.post('/v1/:type', writeKeyAuth(keys), (request, response) => {
  const { workspace, events } = writeKeyOf(request)
  console.log(`${workspace} sent ${events.length} events`)
  response.json({ success: true })
})

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  app.listen(3000, () => console.log('Sign in at http://localhost:3000'))
}
