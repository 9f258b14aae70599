import type { ServerResponse } from 'node:http'
import { mergeHeader } from './cors-merge.ts'

type WriteHead = (status: number, ...rest: unknown[]) => ServerResponse

/**
 * Sees to it that headers are on an answer when it is written, whatever has happened to them in between: CORS middleware behind
 * us sets its own, and Koa drops all of them for an error. Lists are merged again; a rate that something behind us has set stays.
 */
export function keepHeaders(response: ServerResponse, headers: Readonly<Record<string, string>>): void {
  const writeHead = response.writeHead as WriteHead
  response.writeHead = function writeHeadWithOurs(status: number, ...rest: unknown[]): ServerResponse {
    const given = rest.at(-1)
    // Headers that are handed in are set over those of the response: ours have to be merged with them as well.
    const isRecord = typeof given === 'object' && given !== null && !Array.isArray(given)
    if (!response.headersSent) {
      if (isRecord) for (const [name, value] of Object.entries(given)) set(response, name, value)
      for (const name in headers) {
        const isOurs = name.startsWith('access-control-') || name === 'vary'
        if (isOurs || !response.hasHeader(name)) mergeHeader(response, name, headers[name] as string)
      }
    }
    return writeHead.call(response, status, ...(isRecord ? rest.slice(0, -1) : rest))
  } as ServerResponse['writeHead']
}

function set(response: ServerResponse, name: string, value: unknown): void {
  if (value !== undefined) response.setHeader(name, value as string)
}
