import { ingestPath } from '../api/client.ts'
import type { SourceType } from '../api/wire.ts'

export interface Snippet {
  title: string
  code: string
}

/** Examples to paste, with the secret filled in. */
export function snippetsFor(secret: string, sourceType: SourceType, eventType: string): Snippet[] {
  const ingest = `${location.origin}${ingestPath}`
  const body = eventType === 'track' ? `{"event":"Test Event","userId":"u1"}` : `{"userId":"u1"}`
  const curl = `curl ${ingest}/${eventType} \\
  -u '${secret}:' \\
  -H 'Content-Type: application/json' \\
  -d '${body}'`
  const middleware = `import express from 'express'
import { createWriteKeys } from 'writekey'
import { writeKeyAuth } from 'writekey/express'
import { createSqlStore } from 'writekey/sql'

const keys = createWriteKeys({ store: createSqlStore({ url: process.env.DATABASE_URL }) })
const app = express()
app.use('${ingestPath}', writeKeyAuth(keys))
app.post('${ingestPath}/${eventType}', (req, res) => {
  console.log(req.writeKey.id, req.writeKey.events)
  res.json({ success: true })
})
app.listen(3000)`
  const browser = `await fetch('${ingest}/${eventType}', {
  method: 'POST',
  headers: { Authorization: 'Basic ' + btoa('${secret}:') },
  body: JSON.stringify(${body}),
})`
  const node = `import { Analytics } from '@segment/analytics-node'

const analytics = new Analytics({
  writeKey: '${secret}', // better: process.env.WRITE_KEY
  host: '${location.origin}',${
    ingestPath === '/v1'
      ? ''
      : `
  path: '${ingestPath}/batch',`
  }
})
analytics.track({ event: 'Test Event', userId: 'u1' })
await analytics.closeAndFlush()`
  const sdk = sourceType === 'web' ? { title: 'Browser', code: browser } : { title: 'Node SDK', code: node }
  return [{ title: 'curl', code: curl }, sdk, { title: 'Middleware', code: middleware }]
}
