import zlib from 'node:zlib'
import type { Draft } from './drafts.ts'
import { framingMutations } from './framing-mutations.ts'
import { compressed, someBody, someTarget, someValue } from './grammar.ts'
import { someLine } from './header-lines.ts'
import type { Random } from './random.ts'

export type Mutation = (draft: Draft, random: Random, secret: string) => void

const nasty = [
  '%',
  '%00',
  '%2f',
  '%2e',
  '%25',
  '#',
  '?',
  ';',
  '\\',
  '/',
  '//',
  '..',
  '/.',
  '&',
  '=',
  '+',
  '%C5%BF',
  '\xe9',
  ' ',
  '"',
  '<',
  ':',
  '*',
  '@',
]
const nastyBytes = ['\x00', '\x7f', '\xff', ' ', '\t', ',', ';', ':', '=', '"', 'A', '0', '\r', '\n', '%']

function insert(text: string, part: string, random: Random): string {
  const at = random.below(text.length + 1)
  return text.slice(0, at) + part + text.slice(at + random.below(2))
}

function changedCase(text: string): string {
  return [...text]
    .map((letter) => (letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase()))
    .join('')
}

/** Changes that leave one message on the connection, in proportion to how often they are made. */
const mutations: readonly Mutation[] = [
  (draft, random) => {
    draft.target = insert(draft.target, random.pick(nasty), random)
  },
  (draft, random, secret) => {
    draft.target = someTarget(random, secret)
  },
  (draft, random) => {
    const at = random.below(draft.target.length)
    const code = draft.target.charCodeAt(at).toString(16).padStart(2, '0')
    draft.target = `${draft.target.slice(0, at)}%${code}${draft.target.slice(at + 1)}`
  },
  (draft) => {
    draft.target = changedCase(draft.target)
  },
  (draft, random) => {
    draft.method = random.pick([
      'GET',
      'HEAD',
      'PUT',
      'OPTIONS',
      'DELETE',
      'PATCH',
      'POST',
      'PROPFIND',
      'TRACE',
      'SEARCH',
    ])
  },
  (draft, random, secret) => void draft.lines.push(someLine(random, secret)),
  (draft, random, secret) =>
    void draft.lines.splice(1 + random.below(draft.lines.length), 0, someLine(random, secret)),
  (draft, random) =>
    void (draft.lines.length > 1 && draft.lines.splice(1 + random.below(draft.lines.length - 1), 1)),
  (draft, random) =>
    void (
      draft.lines.length > 1 &&
      draft.lines.push(draft.lines[1 + random.below(draft.lines.length - 1)] as string)
    ),
  (draft, random) => {
    if (draft.lines.length < 2) return
    const at = 1 + random.below(draft.lines.length - 1)
    const [name = '', ...rest] = (draft.lines[at] as string).split(':')
    draft.lines[at] = random.chance(0.2)
      ? `${changedCase(name)}:${rest.join(':')}`
      : `${name}:${insert(rest.join(':'), random.pick(nastyBytes.slice(1, -3)), random)}`
  },
  (draft, random, secret) => {
    draft.body = someBody(random, secret)
  },
  (draft, random) => {
    const at = random.below(draft.body.length + 1)
    draft.body = Buffer.concat([
      draft.body.subarray(0, at),
      Buffer.from(random.pick(nastyBytes), 'latin1'),
      draft.body.subarray(at + random.below(2)),
    ])
  },
  (draft, random) => {
    draft.body = draft.body.subarray(0, random.below(draft.body.length + 1))
  },
  (draft, random) => {
    draft.body = changedJson(draft.body, random)
  },
  (draft, random) => {
    draft.body = changedJson(draft.body, random)
  },
  (draft, random) => {
    const text = draft.body.toString()
    draft.body = Buffer.from(
      random.pick([
        `{"batch":[${text}]}`,
        `[${text},${text}]`,
        `\ufeff${text}`,
        ` ${text}\n`,
        `${text}${text}`,
        `{"events":[${text},null]}`,
        `{"__proto__":${text}}`,
        `{"x":${text}}`,
        `${'['.repeat(1_500)}${']'.repeat(1_500)}`,
      ]),
    )
  },
  (draft, random) => {
    const { coding, body } = compressed(random, draft.body)
    draft.lines.push(`Content-Encoding: ${coding}`)
    draft.body = body
  },
  (draft, random) => {
    const { coding, body } = compressed(random, draft.body)
    draft.lines.push(
      `Content-Encoding: ${random.chance(0.5) ? random.pick(['gzip', 'br', 'deflate', 'identity']) : coding}`,
    )
    draft.body = random.chance(0.5)
      ? body.subarray(0, random.below(body.length))
      : Buffer.concat([body, Buffer.from(random.pick(['x', '\0', '\0\0\0', '\x1f\x8b']), 'latin1')])
  },
  (draft, random) => {
    draft.lines.push('Content-Encoding: gzip')
    draft.body = random.chance(0.02) ? bombs.large : bombs.small
  },
  (draft, random) => {
    draft.framing = random.pick(['length', 'chunked', 'length', 'none'])
  },
  (draft, random) => {
    const text = draft.body.toString()
    draft.body = Buffer.from(text.padEnd(random.pick([399, 400, 401, 5_000])))
  },
]

const bombs = { small: zlib.gzipSync('x'.repeat(100_000)), large: zlib.gzipSync('x'.repeat(4_500_000)) }

/** Changes one place of a JSON body: another value, one more field, one less. */
function changedJson(body: Buffer, random: Random): Buffer {
  let root: unknown
  try {
    root = JSON.parse(body.toString())
  } catch {
    return body
  }
  const objects: (Record<string, unknown> | unknown[])[] = []
  const walk = (value: unknown, depth: number) => {
    if (typeof value !== 'object' || value === null || depth > 5) return
    objects.push(value as Record<string, unknown>)
    for (const inner of Object.values(value)) walk(inner, depth + 1)
  }
  walk(root, 0)
  const chosen = objects.length === 0 ? undefined : random.pick(objects)
  if (chosen === undefined) return Buffer.from(JSON.stringify(someValue(random)))
  if (Array.isArray(chosen))
    chosen.splice(random.below(chosen.length + 1), random.below(2), someValue(random))
  else {
    const name = random.pick([...Object.keys(chosen), 'type', 'event', 'name', 'batch', 'writeKey'])
    if (random.chance(0.3)) delete chosen[name]
    else chosen[name] = someValue(random)
  }
  try {
    return Buffer.from(JSON.stringify(root))
  } catch {
    // Nested deeper than it can be written; read it can be.
    return body
  }
}

export function mutate(draft: Draft, random: Random, secret: string): void {
  let count = random.pick([0, 0, 1, 1, 1, 2, 2, 3, 4])
  while (count-- > 0) random.pick(mutations)(draft, random, secret)
  if (random.chance(0.03)) random.pick(framingMutations)(draft, random, secret)
}
