import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { writeKeyAuth, writeKeyOf } from '../../../adapters/express.ts'
import { createWriteKeys } from '../../../src/index.ts'
import { answerMessages, readOptions } from './messages.ts'

/** An app that says how much memory it took at most. */
const keys = createWriteKeys(readOptions<{ maxBodyBytes?: number }>())
const app = express().use('/v1', writeKeyAuth(keys))
app.post('/v1/:type', (request, response) => {
  response.json({ success: true, accepted: writeKeyOf(request).events.length })
})

let peak = 0
setInterval(() => {
  peak = Math.max(peak, process.memoryUsage.rss())
}, 5)

answerMessages({
  async listen() {
    const server = app.listen(0, '127.0.0.1', 4_096)
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  },
  async createKey() {
    return (await keys.create({ name: 'Sender', sourceType: 'server' })).key
  },
  /** Begins to look for the peak anew, once garbage is collected. Gives what is taken now. */
  async watchMemory() {
    const { gc } = globalThis as unknown as { gc: () => void }
    for (let pass = 0; pass < 3; pass++) {
      gc()
      await new Promise((resolve) => setImmediate(resolve))
    }
    peak = process.memoryUsage.rss()
    return peak
  },
  peakMemory: () => peak,
})
