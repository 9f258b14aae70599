import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** A proxy in front of a server of this process. */
export interface Front {
  port: number
  /** Microseconds of processor time it has used so far. */
  cpuUs(): number
  end(): void
}

/** Debian's nginx. */
export function hasNginx(): boolean {
  try {
    execFileSync('nginx', ['-v'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/**
 * nginx with what it has of a guard: known credentials in a `map`, `limit_req` by credential, and CORS. One process, so that it
 * has one processor with the server behind it, as the others in the table have.
 */
export async function startNginx(target: number, authorization: string): Promise<Front> {
  const folder = mkdtempSync(join(tmpdir(), 'writekey-bench-nginx-'))
  const port = await freePort()
  const file = join(folder, 'nginx.conf')
  writeFileSync(file, configuration(folder, port, target, authorization))
  const log = join(folder, 'error.log')
  const nginx = spawn('nginx', ['-p', folder, '-c', file, '-e', log], { stdio: 'inherit' })
  const end = () => {
    nginx.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await untilOpen(port)
  } catch (error) {
    console.error(readFileSync(log, 'utf8'))
    end()
    throw error
  }
  return {
    port,
    // Its first number is the time on a processor in nanoseconds; /proc/PID/stat counts in hundredths of a second.
    cpuUs: () => Number(readFileSync(`/proc/${nginx.pid}/schedstat`, 'utf8').split(' ')[0]) / 1_000,
    end,
  }
}

function configuration(folder: string, port: number, target: number, authorization: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `  ${name}_temp_path ${folder}/${name};`,
  )
  return `
daemon off;
master_process off;
pid ${folder}/pid;
events { worker_connections 1024; }
http {
${temporary.join('\n')}
  access_log off;
  keepalive_requests 1000000000;
  client_max_body_size 4m;
  map_hash_bucket_size 256;
  map $http_authorization $sender {
    default "";
    "${authorization}" known;
  }
  limit_req_zone $sender zone=senders:1m rate=1000000r/s;
  limit_req_status 429;
  upstream app {
    server 127.0.0.1:${target};
    keepalive 64;
    keepalive_requests 1000000000;
  }
  server {
    listen 127.0.0.1:${port};
    location / {
      add_header Access-Control-Allow-Origin * always;
      if ($request_method = OPTIONS) {
        add_header Access-Control-Allow-Origin *;
        add_header Access-Control-Allow-Headers "authorization, content-type";
        add_header Access-Control-Max-Age 600;
        return 204;
      }
      if ($sender = "") { return 401; }
      limit_req zone=senders burst=1000000 nodelay;
      proxy_pass http://app;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }
  }
}
`
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

async function untilOpen(port: number): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await (await fetch(`http://127.0.0.1:${port}/`)).text()
      return
    } catch (error) {
      if (tries === 100) throw error
      await sleep(50)
    }
  }
}
