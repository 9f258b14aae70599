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

const idOf = (/** @type {string | null | undefined} */ cookie) =>
  /(?:^|; )session=([\w-]{36})/.exec(cookie ?? '')?.[1] ?? ''

export const keys = createWriteKeys({
  plans: { free: { rateLimitEps: 50, senderRateLimitEps: 5, monthlyEvents: 100_000 } },
  defaultPlan: 'free',
})

const admin = createAdminApi(keys, {
  // Every route, stream and list of the page goes by this: a customer sees the keys of their workspace alone.
  authorize(request) {
    const session = sessions.get(idOf(request.headers.get('cookie')))
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
// The cookie is `lax`: forms of other sites sign nobody out.
app.post('/sign-out', (request, response) => {
  sessions.delete(idOf(request.headers.cookie))
  response.clearCookie('session').redirect('/')
})
app.get('/', (request, response) => {
  const session = sessions.get(idOf(request.headers.cookie))
  if (session !== undefined) {
    response.send(`<p>${session.name} of ${session.workspace}: <a href="/events/write-keys">write keys</a></p>
      <form method="post" action="/sign-out"><button>Sign out</button></form>`)
    return
  }
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
  const port = Number(process.env.PORT ?? 3000)
  app.listen(port, () => console.log(`Sign in at http://localhost:${port}`))
}
