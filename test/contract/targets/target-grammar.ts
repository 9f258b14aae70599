import fc from 'fast-check'

/** Spellings of an event type, by the type they say; null = each event says its own. */
export const spellings: Readonly<Record<string, string | null>> = {
  track: 'track',
  t: 'track',
  identify: 'identify',
  i: 'identify',
  page: 'page',
  p: 'page',
  screen: 'screen',
  s: 'screen',
  group: 'group',
  g: 'group',
  alias: 'alias',
  a: 'alias',
  batch: null,
  b: null,
}

/** Letters beyond ASCII that some way of folding case, or compatibility, turns into the one they stand for. */
const lookalikes: Readonly<Record<string, readonly string[]>> = {
  k: ['\u212a', '\uff4b'],
  s: ['\u017f', '\uff53'],
  i: ['\u0131', '\u0130', '\uff49'],
  a: ['\u00aa', '\u00e1', '\u0430'],
  t: ['\uff54', '\u24e3'],
}

const name = fc.constantFrom(...Object.keys(spellings))

/** One character of a name as senders, proxies and attackers may write it. */
function spell(character: string): fc.Arbitrary<string> {
  const code = character.charCodeAt(0)
  const hex = code.toString(16)
  const others = lookalikes[character]
  return fc.oneof(
    { weight: 200, arbitrary: fc.constant(character) },
    { weight: 20, arbitrary: fc.constant(character.toUpperCase()) },
    { weight: 10, arbitrary: fc.constantFrom(`%${hex}`, `%${hex.toUpperCase()}`) },
    // Overlong UTF-8, an escape of the escape, and letters that fold into this one.
    { weight: 2, arbitrary: fc.constantFrom(`%c1%${(code + 0x40).toString(16)}`, `%25${hex}`) },
    { weight: 3, arbitrary: fc.constantFrom(...(others ?? [character])).map(encodeURIComponent) },
  )
}

const spelledName = name.chain((text) => fc.tuple(...[...text].map(spell)).map((parts) => parts.join('')))

const tail = fc.oneof(
  { weight: 12, arbitrary: fc.constant('') },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      ...[
        ';',
        ';v=1',
        '%3b',
        '#',
        '%23',
        '%00',
        '%20',
        '%09',
        '.',
        '.json',
        ':',
        '%3f',
        '+',
        '%',
        '%ff',
        '%ed%a0%80',
      ],
      ...['*', '=', '&', ',', '@', '~', "'", '%0a', '%0d', '%2e', '%2f', '%5c', '|', '^', '%c2%a0'],
    ),
  },
)

const segment = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(spelledName, tail).map(([text, end]) => text + end) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('users', '', '.', '..', '%2e', '%2E%2e', '.%2e', '..;', '*', 'x', 'v1', '%2f'),
  },
)

const separator = fc.oneof(
  { weight: 14, arbitrary: fc.constant('/') },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      '//',
      '\\',
      '%2f',
      '%5c',
      '/./',
      '/%2e/',
      '/../',
      ';/',
      '#/',
      '?/',
      '/;x/',
      '///',
    ),
  },
)

const start = fc.oneof(
  { weight: 20, arbitrary: fc.constant('') },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      ...[
        'http://x',
        'http://x:80',
        'HTTP://x',
        'https://x',
        'http://a@x',
        'http://track',
        'ftp://x',
        'http://',
        'http://x?',
      ],
      ...['/', '/.', '/x/..', '/x;', '//page'],
    ),
  },
)

const end = fc.oneof(
  { weight: 10, arbitrary: fc.constant('') },
  {
    weight: 5,
    arbitrary: fc.constantFrom(
      ...[
        '/',
        '//',
        '?',
        '?x=1',
        '?/page',
        '?x=/track',
        '#',
        '#/page',
        '?x#/page',
        '/#',
        '/?',
        '?a;b\\c/../d%2f',
        ';/page',
        '/.',
      ],
    ),
  },
)

/** Request targets for routes below `/v1`: most of them reach one, in some spelling or other. */
export const targets: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 30,
    arbitrary: fc
      .tuple(start, fc.constantFrom('/v1/', '/v1/', '/v1/', '/V1/', '/v1//', '/%761/'), segment, end)
      .map((parts) => parts.join('')),
  },
  {
    weight: 10,
    arbitrary: fc
      .tuple(start, segment, separator, segment, end)
      .map(([scheme, first, between, second, rest]) => `${scheme}/v1/${first}${between}${second}${rest}`),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '*',
      '/',
      '/v1',
      '/v1/',
      '//',
      '/track',
      '//track',
      '/v1?/track',
      '/v1#/track',
    ),
  },
)

/** Targets that reached a handler behind a rule for another type once, and their kin. */
export const knownTargets: readonly string[] = [
  '/v1/track#/page',
  '/v1/track?x#/page',
  'http://x/v1\\track',
  'http://x/v1/page\\..\\track',
  '/v1/track;/page',
  '/v1/page/..%2ftrack',
  '/v1/page/../track',
  '/v1/page/%2e%2e/track',
  '/v1/%C5%BFcreen',
  '/v1/trac%E2%84%AA',
  '/v1/identify/track',
  '/v1/track%2f',
  '/v1/track%00',
  '/v1/track\t',
  '/v1/track\xa0',
  '/v1/page/track%3f',
]
