import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { passes, refuses, signedUp, unsupported } from './answers.ts'
import type { GoldenRequest } from './golden-request.ts'

const json = JSON.stringify
const text = json(signedUp)
const invalid = refuses('invalid_json')
const encoded = (
  coding: string,
  body: Uint8Array | (() => Uint8Array),
  name: string,
): Omit<GoldenRequest, 'expected'> => ({
  name,
  headers: [`Content-Encoding: ${coding}`],
  body,
})

/** Content codings. */
export const encodingRequests: readonly GoldenRequest[] = [
  { ...encoded('gzip', gzipSync(text), 'gzip passes'), ...passes() },
  { ...encoded('GZIP', gzipSync(text), 'GZIP in capitals passes'), ...passes() },
  { ...encoded('x-gzip', gzipSync(text), 'x-gzip passes'), ...passes() },
  { ...encoded('deflate', deflateSync(text), 'deflate passes'), ...passes() },
  { ...encoded('deflate', deflateRawSync(text), 'deflate without its wrapper passes'), ...passes() },
  { ...encoded('br', brotliCompressSync(text), 'br passes'), ...passes() },
  { ...encoded('identity', Buffer.from(text), 'identity passes'), ...passes() },
  {
    ...encoded('gzip', gzipSync(text), 'gzipped JSON labelled as a form passes'),
    contentType: 'application/x-www-form-urlencoded',
    ...passes(),
  },
  {
    ...encoded(
      'gzip',
      Buffer.concat([gzipSync(text.slice(0, 9)), gzipSync(text.slice(9))]),
      'two gzip members pass as one',
    ),
    ...passes(),
  },
  { ...encoded('gzip', gzipSync(text).subarray(0, -6), 'a gzip cut short is refused'), ...invalid },
  {
    ...encoded(
      'gzip',
      Buffer.concat([gzipSync(text), Buffer.from('junk')]),
      'a gzip with junk behind it is refused',
    ),
    ...invalid,
  },
  { ...encoded('gzip', Buffer.from(text), 'JSON that only says it is gzip is refused'), ...invalid },
  {
    ...encoded('compress', Buffer.from(text), 'an unknown encoding is refused'),
    ...unsupported(),
  },
  {
    ...encoded('gzip, gzip', gzipSync(gzipSync(text)), 'stacked encodings are refused'),
    ...unsupported(),
  },
  { ...encoded('gzip, identity', gzipSync(text), 'gzip beside identity passes'), ...passes() },
  { ...encoded('identity,GZIP', gzipSync(text), 'gzip behind identity passes'), ...passes() },
  { ...encoded(', gzip,', gzipSync(text), 'empty members of an encoding say nothing'), ...passes() },
  {
    name: 'an encoding on two lines, one of which says nothing, passes',
    headers: ['Content-Encoding: identity', 'Content-Encoding: gzip'],
    body: gzipSync(text),
    ...passes(),
  },
  {
    name: 'two encodings on two lines are refused',
    headers: ['Content-Encoding: gzip', 'Content-Encoding: gzip'],
    body: gzipSync(gzipSync(text)),
    ...unsupported(),
  },
  {
    ...encoded('gzip', () => gzipSync('x'.repeat(5_000_000)), 'a small bomb is refused'),
    ...refuses('payload_too_large'),
  },
  {
    ...encoded('br', () => brotliCompressSync('x'.repeat(5_000_000)), 'a small br bomb is refused'),
    ...refuses('payload_too_large'),
  },
  {
    ...encoded('deflate', () => deflateSync('x'.repeat(5_000_000)), 'a small deflate bomb is refused'),
    ...refuses('payload_too_large'),
  },
]
