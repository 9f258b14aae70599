import type { IncomingMessage, ServerResponse } from 'node:http'
import express, { type Request, type Response } from 'express'
import { createWriteKeys } from 'writekey'
import { type WriteKeyAuthOptions, writeKeyAuth } from 'writekey/express'

// Callbacks get Express's types, and may name them, their parameters or Node's.
const keys = createWriteKeys({ logger: false })
export const options: WriteKeyAuthOptions = {
  workspace: (req) => req.hostname.split('.')[0],
  onRefused: (refused, req, res) => {
    res.status(418).json({ reason: refused.reason, path: req.path })
  },
}
export const guard = writeKeyAuth(keys, options)
export const app = express()
  .use('/1', guard)
  .use('/2', writeKeyAuth(keys, { workspace: (req: Request) => req.hostname }))
  .use('/3', writeKeyAuth(keys, { onRefused: (_, req: Request, res: Response) => res.json(req.path) }))
  .use('/4', writeKeyAuth(keys, { onRefused: (_, req: Request<{ id: string }>) => req.params.id }))
  .use(
    '/5',
    writeKeyAuth(keys, { onRefused: (_, req: IncomingMessage, res: ServerResponse) => res.end(req.url) }),
  )
// @ts-expect-error a type, not any
writeKeyAuth(keys, { workspace: (req) => req.nothing })
