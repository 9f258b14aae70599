import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../free-port.ts'

/** A reverse proxy that hands request bodies on as they come, over connections that it keeps. */
export interface RunningProxy {
  url: string
  close(): Promise<void>
}

/** What a proxy is started with, and what its configuration says. */
export interface ProxyKind {
  service: 'nginx' | 'haproxy'
  args(file: string, folder: string): string[]
  config(ports: { from: number; to: number }, folder: string): string
}

export const proxyKinds: readonly ProxyKind[] = [
  {
    service: 'nginx',
    args: (file, folder) => ['-p', folder, '-c', file, '-e', join(folder, 'error.log')],
    config: ({ from, to }, folder) => `
      daemon off;
      pid ${folder}/nginx.pid;
      error_log ${folder}/error.log;
      events {}
      http {
        access_log off;
        client_body_temp_path ${folder}/body;
        proxy_temp_path ${folder}/proxy;
        fastcgi_temp_path ${folder}/fastcgi;
        uwsgi_temp_path ${folder}/uwsgi;
        scgi_temp_path ${folder}/scgi;
        upstream app { server 127.0.0.1:${to}; keepalive 16; }
        server {
          listen 127.0.0.1:${from};
          client_max_body_size 0;
          location / {
            proxy_pass http://app;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_request_buffering off;
          }
        }
      }`,
  },
  {
    service: 'haproxy',
    args: (file) => ['-db', '-f', file],
    config: ({ from, to }) => `
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  option http-keep-alive
  http-reuse always
frontend outside
  bind 127.0.0.1:${from}
  default_backend app
backend app
  server app 127.0.0.1:${to}
`,
  },
]

/** Starts a proxy in front of a server on this machine. */
export async function startProxy(program: string, kind: ProxyKind, to: number): Promise<RunningProxy> {
  const folder = await mkdtemp(join(tmpdir(), 'writekey-proxy-'))
  const from = await freePort()
  const file = join(folder, 'proxy.conf')
  await writeFile(file, kind.config({ from, to }, folder))
  const child = spawn(program, kind.args(file, folder), { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', (text: Buffer) => {
    said += text
  })
  await untilReachable(from, child, () => said)
  return {
    url: `http://127.0.0.1:${from}`,
    async close() {
      const gone = once(child, 'exit')
      child.kill('SIGTERM')
      await gone
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function untilReachable(port: number, child: ChildProcess, said: () => string): Promise<void> {
  const giveUpAt = performance.now() + 15_000
  while (performance.now() < giveUpAt) {
    if (child.exitCode !== null) break
    const socket = connect(port, '127.0.0.1')
    const isOpen = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false)
    socket.destroy()
    if (isOpen) return
    await sleep(20)
  }
  child.kill('SIGKILL')
  throw new Error(`the proxy did not start: ${said()}`)
}
