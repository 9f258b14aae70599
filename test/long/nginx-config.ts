import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileOf, replaced } from '../recipes/deployed-app.ts'

/**
 * Writes the nginx of docs/recipes/proxies.md for ports of a test.
 * @param ports of the two servers behind it
 * @returns the arguments that start it
 */
export function writeNginxConfig(folder: string, from: number, ports: readonly number[]): string[] {
  const settings = replaced(
    fileOf('docs/recipes/proxies.md', 'ingest.conf'),
    ['127.0.0.1:3001', `127.0.0.1:${ports[0]}`],
    ['127.0.0.1:3002', `127.0.0.1:${ports[1]}`],
    ['listen 80;', `listen 127.0.0.1:${from};`],
    ['/var/log/nginx', folder],
  )
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  )
  const file = join(folder, 'nginx.conf')
  writeFileSync(file, `daemon off; pid ${folder}/pid; events {} http { ${temporary.join(' ')} ${settings} }`)
  return ['-p', folder, '-c', file, '-e', join(folder, 'start.log')]
}
