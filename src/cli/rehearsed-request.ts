import { parseContentEncoding } from '../http/content-coding.ts'
import { contentLengthOf } from '../http/content-length.ts'
import type { IngestRequestInit } from '../http/ingest-request.ts'
import { createWriteKeys, type WriteKeysOptions } from '../index.ts'
import type { CreateKeyInput } from '../keys/key-fields.ts'
import type { Reason } from '../verifier/reasons.ts'
import type { Accepted } from '../verifier/verdict.ts'
import type { KeySpot } from './key-spots.ts'
import type { PastedRequest } from './pasted-request.ts'

/** Every secret that can be imported at all: which of them are good is the server's to say. */
const anySecret = /^[!-9;-~]{16,256}$/

interface Sent {
  verdict?: Accepted
  spot: KeySpot | undefined
  reason: Reason | null
}

/** Judges a request by write keys that have these secrets, and no others. */
export async function send(
  request: PastedRequest,
  spots: readonly KeySpot[],
  { credentials, environment, keyPrefix, eventTypes, onForbiddenEvent }: WriteKeysOptions,
  rules: Partial<CreateKeyInput> = {},
): Promise<Sent> {
  const keys = createWriteKeys({
    ...(credentials !== undefined && { credentials }),
    ...(environment !== undefined && { environment }),
    ...(keyPrefix !== undefined && { keyPrefix }),
    ...(eventTypes !== undefined && { eventTypes }),
    ...(onForbiddenEvent !== undefined && { onForbiddenEvent }),
    importedKeys: anySecret,
    pepper: null,
    activity: false,
    logger: false,
  })
  try {
    const secrets = [...new Set(spots.map(({ secret }) => secret))]
    // One that cannot be imported cannot be presented either.
    await keys.import(
      secrets.map((key, index) => ({ ...rules, name: String(index), sourceType: 'other', key })),
    )
    const verdict = await keys.verify(toInit(request))
    if (verdict.ok)
      return {
        verdict,
        reason: null,
        spot: spots.find(({ secret }) => secret === secrets[Number(verdict.writeKey.name)]),
      }
    // A preflight carries no key.
    return { reason: verdict.reason === 'preflight' ? 'missing_key' : verdict.reason, spot: undefined }
  } finally {
    await keys.close()
  }
}

/** Tells of a body that is longer than its header says. */
export function noteOn(request: PastedRequest): string | undefined {
  const sent = bytesOf(request)?.length ?? 0
  const read = readLength(request)
  if (read === undefined || read >= sent) return undefined
  return `Content-Length says ${read} bytes, but the body has ${sent}: a server reads no more.`
}

/** As a server that runs on Node gets it. */
function toInit(request: PastedRequest): IngestRequestInit {
  const { method, path, query } = request
  const headers = fieldsOf(request)
  const length = readLength(request) ?? 0
  const bytes = bytesOf(request)?.subarray(0, readLength(request))
  if (bytes !== undefined && headers['transfer-encoding'] === undefined)
    headers['content-length'] = `${bytes.length}`
  return {
    method,
    path: wireText(path),
    query: wireText(query),
    headers,
    // Bytes that a server reads are in the coding that the header names. Those that are handed in may not be.
    body: (maxBytes: number) => (length > maxBytes ? null : (bytes ?? new Uint8Array())),
  }
}

/** Fields of which Node keeps the first. */
const single = new Set(['content-length', 'content-type', 'host', 'referer', 'user-agent'])

function fieldsOf({ headers, hasHiddenBody }: PastedRequest): Record<string, string | string[]> {
  // Without a prototype: headers may have any name.
  const fields: Record<string, string | string[]> = Object.create(null)
  for (const [name, values] of Object.entries(headers)) {
    const texts = values.map(wireText)
    const joined = single.has(name) ? (texts[0] ?? '') : texts.join(name === 'cookie' ? '; ' : ', ')
    fields[name] = name === 'authorization' && texts.length > 1 ? texts : joined
  }
  if (hasHiddenBody)
    for (const name of Object.keys(fields)) if (isOfShownBody(name, fields[name])) delete fields[name]
  return fields
}

/** Whether a header describes a body so that it cannot be judged without that. */
function isOfShownBody(name: string, value: string | string[] | undefined): boolean {
  if (name === 'content-encoding') return parseContentEncoding(value) !== 'unsupported'
  return name.startsWith('content-')
}

function bytesOf({ body, hasHiddenBody }: PastedRequest): Buffer | undefined {
  if (hasHiddenBody) return Buffer.from('{"event":"hidden"}')
  return body === undefined ? undefined : Buffer.from(body)
}

/** How much of its body a server reads, as far as a header says so. */
function readLength({ headers, hasHiddenBody }: PastedRequest): number | undefined {
  if (hasHiddenBody || headers['transfer-encoding'] !== undefined) return undefined
  return contentLengthOf({ 'content-length': headers['content-length']?.[0] })
}

/** Node gives each byte of a target or a header as a character. */
function wireText(text: string): string {
  return Buffer.from(text).toString('latin1')
}
