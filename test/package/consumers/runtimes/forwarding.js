// A target for `forwardEvents`, and what it gets of requests to a forwarder. Run by whichever runtime asks.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'

/** A server that remembers what it was sent. An event named `moved` is answered with a redirect to itself. */
export async function startTarget() {
  const got = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    got.push({ path: request.url, headers: request.headers, body })
    if (body.includes('"moved"')) response.writeHead(307, { location: '/elsewhere' })
    response.end('{"success":true}')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { url: `http://127.0.0.1:${server.address().port}`, got, close }
}

/** What a forwarder answers, and what of it reaches the target. */
export async function tryForwarding(url, key, { got }) {
  got.length = 0
  const send = async (event) => {
    const answer = await fetch(`${url}/v1/track?debug=1`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${btoa(`${key}:`)}`,
        cookie: 'session=1',
        'content-type': 'application/json',
        'x-forwarded-for': '198.51.100.1',
        'x-of-the-page': '1',
        'cf-connecting-ip': '203.0.113.9',
      },
      body: JSON.stringify({ event }),
    })
    await answer.arrayBuffer()
    return answer.status
  }
  const statuses = [await send('x'), await send('moved'), await sendSlowly(url)]
  const [{ path, headers, body }] = got
  const { authorization, 'x-forwarded-for': address } = headers
  const leaked = ['cookie', 'x-of-the-page'].filter((name) => name in headers)
  return { statuses, calls: got.length, path, authorization, address, leaked, event: JSON.parse(body).event }
}

/** The status of a request whose body never ends. */
async function sendSlowly(url) {
  const { hostname, port, pathname } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.write(
    `POST ${pathname}/v1/track HTTP/1.1\r\nhost: ${hostname}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"event":`,
  )
  const [answer] = await once(socket, 'data')
  socket.destroy()
  return Number(String(answer).split(' ')[1])
}
