import { createWriteKeys } from 'writekey'
import * as express from 'writekey/express'

// Express and its types are not installed: callbacks get Node's types.
const keys = createWriteKeys({ logger: false })
export const options: express.WriteKeyAuthOptions = {
  workspace: (req) => req.headers.host?.split('.')[0],
  onRefused: (refused, req, res) => {
    res.setHeader('x-refused', `${refused.reason} ${req.originalUrl}`)
    // @ts-expect-error a type, not any
    res.status(418)
  },
}
export const guard = express.writeKeyAuth(keys, options)
