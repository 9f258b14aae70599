import type { Mutation } from './mutations.ts'

/** Changes after which nothing may follow on the connection. */
export const framingMutations: readonly Mutation[] = [
  (draft, random) => {
    draft.cut = 1 + random.below(60)
  },
  (draft, random) =>
    void draft.lines.push(
      random.pick([
        'Content-Length: 5',
        'Content-Length: +5',
        'Content-Length: 0x5',
        'Content-Length: 5, 5',
        'Content-Length: -1',
        'Content-Length: 99999999999999999999',
      ]),
    ),
  (draft, random) =>
    void draft.lines.push(
      random.pick([
        'Transfer-Encoding: chunked',
        'Transfer-Encoding: gzip, chunked',
        'Transfer-Encoding: identity',
        'Transfer-Encoding: chunked, gzip',
        'Transfer-Encoding: xchunked',
        'Transfer-Encoding : chunked',
      ]),
    ),
  (draft) => {
    draft.lines.push('Transfer-Encoding: gzip, chunked')
    draft.framing = 'own'
    const size = draft.body.length.toString(16)
    draft.body = Buffer.concat([Buffer.from(`${size}\r\n`), draft.body, Buffer.from('\r\n0\r\n\r\n')])
  },
  (draft, random) => {
    draft.framing = 'own'
    draft.lines.push('Transfer-Encoding: chunked')
    const size = draft.body.length.toString(16)
    const [before, behind] = random.pick([
      [`${size};a=b\r\n`, '\r\n0\r\nX-A: b\r\n\r\n'],
      [`0${size}\r\n`, '\r\n0\r\n\r\n'],
      [`${size}\r\n`, '0\r\n\r\n'],
      [`-${size}\r\n`, '\r\n0\r\n\r\n'],
      [`${size}\n`, '\n0\n\n'],
      [`${size}x\r\n`, '\r\n0\r\n\r\n'],
      ['ffffffff\r\n', '\r\n0\r\n\r\n'],
    ])
    draft.body = Buffer.concat([Buffer.from(before as string), draft.body, Buffer.from(behind as string)])
  },
  (draft, random) => {
    draft.version = random.pick(['HTTP/1.0', 'HTTP/0.9', 'HTTP/2.0', 'http/1.1', 'HTTP/1.1 x'])
  },
  (draft, random) => {
    draft.method = random.pick(['post', 'BREW', 'PO ST', '', 'CONNECT'])
  },
  (draft, random) =>
    void draft.lines.push(
      random.pick(['Bad Name: x', 'NoColon', 'A\0: x', 'X-A: \0', ': x', 'X-A: a\nX-B: b', ' folded']),
    ),
  (draft, random) => {
    draft.target = random.pick([
      '*',
      'v1/track',
      'localhost:80',
      'http:/v1/track',
      '/v1/ track',
      '',
      '/v1/track\tx',
      '/v1/\xe9',
    ])
  },
  (draft) => void draft.lines.shift(),
  (draft, random) =>
    void draft.lines.push(
      random.pick(['Expect: 200-ok', 'Expect: 100-continue, x', `X-Long: ${'x'.repeat(20_000)}`]),
    ),
]
