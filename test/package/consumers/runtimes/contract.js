// The suite for adapters, on the server that Bun or Deno has. What fails is printed as JSON.
import { createServer } from 'node:http'
import { createWriteKeys } from 'writekey'
import * as forNode from 'writekey/node'
import { serveWeb } from './serve-web.js'
import { jsonInUtf8, runContract, webHarnesses, webRefusals } from './suite.js'

async function startNode({ options, adapter, mountedTwice, handlerThrows }) {
  const keys = createWriteKeys(options)
  const handled = []
  const auth = forNode.writeKeyAuth(keys, adapter)
  const server = createServer((request, response) => {
    const handle = () => {
      const { id, events } = forNode.writeKeyOf(request)
      handled.push({ writeKeyId: id, events, body: request.body })
      response.writeHead(handlerThrows ? 500 : 200, jsonInUtf8)
      response.end(JSON.stringify({ success: true, accepted: events.length }))
    }
    auth(request, response, () => (mountedTwice ? auth(request, response, handle) : handle()))
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const stop = () => {
    server.closeAllConnections()
    server.close()
  }
  return { keys, handled, port: server.address().port, stop }
}

const [, , name] = process.argv
// More than a hundred headers are too many for the servers of Bun, and for Deno's own.
const byServer = { 'many other headers change nothing': 'by the server' }
const refusals =
  name === 'node'
    ? { byRouter: globalThis.Bun === undefined ? {} : byServer }
    : { ...webRefusals, byRouter: byServer }
const harnesses = { ...webHarnesses(serveWeb), node: startNode }
console.log(JSON.stringify(await runContract(name, harnesses[name], refusals)))
process.exit(0)
