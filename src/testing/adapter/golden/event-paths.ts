import { passes, refuses, signedUp } from './answers.ts'
import type { GoldenRequest } from './golden-request.ts'

const json = JSON.stringify
const mismatch = refuses('event_type_mismatch')

const types = ['track', 'identify', 'page', 'screen', 'group', 'alias']

/** Paths that say track, in ways that servers and proxies let through. */
const trackPaths = [
  '/v1/track/',
  '/v1/TRACK',
  '/v1/%74rack',
  '/v1/trac%6B/',
  '/v1//track',
  '/v1/track//',
  '/v1/a/b/track',
  '/v1/T',
  '/v1/%54',
  '/v1/track?type=page',
  '/v1/track/?x=/page',
  '/v1/track?x=/;\\../%2f%00/page',
  'http://localhost/v1/track',
  'http://localhost:80/v1/track/?x=/page',
]
/** Paths that say no type. */
const typelessPaths = [
  '/v1/batch',
  '/v1/b',
  '/v1/BATCH',
  '/v1/events',
  '/v1',
  '/v1/',
  '/v1/%2574rack',
  '/v1/tracks',
  '/v1/track%20',
  '/v1/track/batch',
  'http://localhost/v1/batch',
]
/** Paths that routers read in different ways. */
const ambiguousPaths = [
  '/v1/page#/track',
  '/v1/track#',
  '/v1/track?x#/page',
  '/v1/track;x',
  '/v1/a;x=1/track',
  '/v1/page\\track',
  '/v1/./track',
  '/v1/page/../track',
  '/v1/track/.',
  '/v1/%2e%2E/v1/track',
  '/v1/.%2e/v1/track',
  '/v1/track%2fpage',
  '/v1/page%5Ctrack',
  '/v1/track%3bx',
  '/v1/track%00',
  '/v1/%C5%BFcreen',
  '/v1/trac%E2%84%AA',
  '/v1/%EF%BD%94rack',
  '/v1/identify/track',
  '/v1/IDENTIFY//t/',
  '/v1/%69dentify/%74rack',
  'http://localhost/v1/page\\track',
  'http://localhost/v1/page#/track',
]
/** The same, where routers refuse them, too. */
export const undecodablePaths = ['/v1/%ff/track', '/v1/%/track', '/v1/%zz', '/v1/%c0%afv1/track']

/** Which paths say the type of an event, and which cannot be read. */
export const eventPathRequests: readonly GoldenRequest[] = [
  ...types.flatMap((type) =>
    [`/v1/${type}`, `/v1/${type.charAt(0)}`].map((path) => ({
      name: `${path} takes ${type} events`,
      path,
      key: { allowedEventTypes: [type] },
      body: json({ userId: 'u1' }),
      ...passes([{ userId: 'u1' }]),
    })),
  ),
  ...trackPaths.map((path) => ({
    name: `${path} says track`,
    path,
    body: json({ ...signedUp, type: 'identify' }),
    ...mismatch,
  })),
  ...typelessPaths.map((path) => ({
    name: `${path} says no type`,
    path,
    body: json({ type: 'identify', userId: 'u1' }),
    ...passes([{ type: 'identify', userId: 'u1' }]),
  })),
  ...[...ambiguousPaths, ...undecodablePaths].map((path) => ({
    name: `${path} is ambiguous`,
    path,
    ...refuses('invalid_path'),
  })),
  {
    name: 'an ambiguous path is refused before the key is looked at',
    path: '/v1/page#/track',
    authorization: ['Basic junk'],
    ...refuses('invalid_path'),
  },
  {
    name: 'a GET of an ambiguous path is refused, too',
    method: 'GET',
    path: '/v1/track#/page',
    contentType: null,
    body: null,
    ...refuses('invalid_path'),
  },
  { name: 'path and event may agree', path: '/v1/track', ...passes() },
  {
    name: 'one event of an array that disagrees with the path refuses all',
    body: json([signedUp, { type: 'page' }]),
    ...mismatch,
  },
  {
    name: 'one event of a batch that disagrees with the path refuses all',
    body: json({ batch: [signedUp, { type: 'page' }] }),
    ...mismatch,
  },
  {
    name: 'a disagreeing type is refused even when both are allowed',
    key: { allowedEventTypes: ['track', 'page'] },
    body: json({ type: 'page' }),
    ...mismatch,
  },
]
