import { mountPath } from '../api/client.ts'
import type { Decision } from '../api/wire.ts'

/** Headers that curl, or the key, brings by itself. */
const own = new Set(['authorization', 'host', 'content-length', 'connection', 'accept-encoding', 'origin'])

/** The request as a command; the secret is not known and stands as a variable. */
export function toCurl(decision: Decision): string {
  const url = `${location.origin}${decision.path ?? `${mountPath}/v1/track`}`
  const headers = Object.entries(decision.headers ?? { 'content-type': 'application/json' }).filter(
    ([name, value]) => !own.has(name) && value !== '(left out)',
  )
  const lines = [
    `curl -X ${quote(decision.method ?? 'POST')} ${quote(url)}`,
    `-u "$WRITE_KEY:"`,
    ...(decision.origin === null ? [] : [`-H ${quote(`Origin: ${decision.origin}`)}`]),
    ...headers.map(([name, value]) => `-H ${quote(`${name}: ${value}`)}`),
    `--data-raw ${quote(decision.payload ?? exampleBody(decision))}`,
  ]
  return lines.join(' \\\n  ')
}

function exampleBody({ types, names }: Decision): string {
  const type = types[0]
  const name = names[0]
  return JSON.stringify({ ...(type && { type }), ...(name && { event: name }), userId: 'u1' })
}

/** Control characters would reach the terminal into which this is pasted. */
function quote(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  const plain = text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '')
  return `'${plain.replaceAll("'", `'\\''`)}'`
}
