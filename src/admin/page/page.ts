import { gzipSync } from 'node:zlib'
import type { PageAsset, PageAssets } from './page-assets.ts'
import { pageHeaders } from './page-headers.ts'

/** The path of the page, after the application's mount point. */
export const pagePath = '/events/write-keys'

export interface PageOptions {
  /** Undefined if the page was not built; its path then says so. */
  assets: PageAssets | undefined
  /** Where the ingest endpoints are, for examples and test events, e.g. `/v1`. */
  ingestPath: string
  /** Whether the application may know the visitor without a token, for example by its own session. */
  asksApplication?: boolean
  /** Origins whose pages may frame it. Default: none. */
  frameAncestors?: readonly string[]
}

/** Answers requests for the page and its files, from memory. */
export interface Page {
  /**
   * @param path of the request, without the base path. @returns undefined when the path is not the page's.
   */
  answer(request: Request, path: string): Response | undefined
}

const icon = `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' fill='none' stroke='%232456c7' stroke-width='2.4' stroke-linecap='round'><circle cx='8' cy='12' r='5'/><path d='M13 12h9M18 12v4M22 12v3'/></svg>`

export function createPage(options: PageOptions): Page {
  const { assets, ingestPath, asksApplication = false, frameAncestors = [] } = options
  const headers = pageHeaders(frameAncestors)
  const html = assets === undefined ? notBuilt : toHtml(assets, ingestPath, asksApplication)
  const files = new Map<string, (request: Request) => Response>()
  if (assets !== undefined) {
    files.set(assets.script.name, createFileAnswer(assets.script, 'text/javascript; charset=utf-8', headers))
    files.set(assets.style.name, createFileAnswer(assets.style, 'text/css; charset=utf-8', headers))
  }

  return {
    answer(request, path) {
      if (path !== pagePath && !path.startsWith(`${pagePath}/`)) return undefined
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        return refuse(405, 'Method not allowed', { ...headers, allow: 'GET, HEAD' })
      }
      if (path === pagePath) {
        return new Response(html, {
          status: assets === undefined ? 503 : 200,
          headers: {
            ...headers,
            'content-type': 'text/html; charset=utf-8',
            // No copy is kept for "back" either: what the page showed is gone when it is left.
            'cache-control': 'no-store',
          },
        })
      }
      const name = path.slice(pagePath.length + 1)
      // Relative, so that it works behind every prefix and proxy.
      if (name === '') return refuse(308, 'Moved', { ...headers, location: '../write-keys' })
      return files.get(name)?.(request) ?? refuse(404, 'Not found', headers)
    },
  }
}

/** All its addresses are relative to the page, so that nobody has to configure where it is mounted. */
function toHtml({ script, style }: PageAssets, ingestPath: string, asksApplication: boolean): string {
  const session = asksApplication ? '\n<meta name="writekey-session" content="application">' : ''
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Write keys</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<meta name="writekey-ingest" content="${ingestPath}">${session}
<link rel="icon" href="data:image/svg+xml,${icon.replaceAll('<', '%3C').replaceAll('>', '%3E')}">
<link rel="stylesheet" href="./write-keys/${style.name}">
<script type="module" src="./write-keys/${script.name}"></script>
</head>
<body>
<div id="app"></div>
<noscript>This page needs JavaScript.</noscript>
</body>
</html>
`
}

const notBuilt = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Write keys</title>
<p>The page has not been built. Run <code>npm run build:page</code> and start again.</p>
</html>
`

function createFileAnswer(
  { content }: PageAsset,
  contentType: string,
  pageHeaders: Readonly<Record<string, string>>,
): (request: Request) => Response {
  let packed: Uint8Array<ArrayBuffer> | undefined
  return (request) => {
    const headers = {
      ...pageHeaders,
      'content-type': contentType,
      'cache-control': 'public, max-age=31536000, immutable',
      vary: 'Accept-Encoding',
    }
    if (!/\bgzip\b/.test(request.headers.get('accept-encoding') ?? ''))
      return new Response(content, { headers })
    packed ??= new Uint8Array(gzipSync(content, { level: 9 }))
    return new Response(packed, { headers: { ...headers, 'content-encoding': 'gzip' } })
  }
}

function refuse(status: number, text: string, headers: Readonly<Record<string, string>>): Response {
  return new Response(status === 308 ? null : text, {
    status,
    headers: { ...headers, 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
  })
}
