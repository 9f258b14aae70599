/** A JSON Schema as openapi.json holds it. */
export type Schema = Record<string, unknown> & {
  type?: string | string[]
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  anyOf?: Schema[]
  enum?: unknown[]
}

/** A generator of numbers in [0, 1) that gives the same ones for the same seed (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

export const hostileTexts = [
  '',
  ' ',
  '\0',
  'a\r\nSet-Cookie: x=1',
  '<script>alert(1)</script>',
  "'; DROP TABLE writekey_keys; --",
  '../../etc/passwd',
  '%00%ff',
  '\ud800',
  '\u202egnp.exe',
  '__proto__',
  'constructor',
  '=cmd()',
  '${7*7}{{7*7}}',
  'x'.repeat(5_000),
  '🔑'.repeat(60),
  'null',
  'https://*.example.com',
  '*',
  '10.0.0.0/8',
  '2001:db8::/129',
  '2026-02-30T00:00:00Z',
  '9999-12-31T23:59:59Z',
]

const hostileValues: unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1e308,
  -0,
  0.1,
  2 ** 53,
  [],
  [[]],
  {},
  [null],
  { toSqlString: 'x' },
  { toString: 'x', valueOf: 1 },
  JSON.parse('{"__proto__":{"admin":true}}'),
  { constructor: { prototype: {} } },
  { length: 1e9 },
  ...hostileTexts,
]

/** Values made from a schema: as it wants them, or, now and then, as it does not. */
export function createSamples(random: () => number, hostility: number) {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  const whole = (max: number) => Math.floor(random() * (max + 1))

  function value(schema: Schema): unknown {
    if (random() < hostility) return pick(hostileValues)
    if (schema.enum !== undefined) return pick(schema.enum)
    if (schema.anyOf !== undefined) return value(pick(schema.anyOf))
    const type = Array.isArray(schema.type) ? pick(schema.type) : schema.type
    if (type === 'null') return null
    if (type === 'string') return text(schema)
    if (type === 'integer' || type === 'number') return number(schema, type)
    if (type === 'boolean') return random() < 0.5
    if (type === 'array') return Array.from({ length: whole(3) }, () => value(schema.items ?? {}))
    if (type === 'object') return object(schema)
    return pick(hostileValues)
  }

  function text({ format, pattern, maxLength }: Schema): string {
    if (format === 'date-time') {
      const at = new Date(Date.UTC(2026, 0, 1) + whole(10 ** 11)).toISOString()
      return random() < 0.5 ? at : at.replace('Z', '+05:30')
    }
    if (typeof pattern === 'string') return pick(['24h', '7d', '1', '50', 'staging', 'wk_0123456789abcdef'])
    const known = [
      'track',
      'page',
      'https://app.example.com',
      '192.0.2.0/24',
      'Signed Up',
      'billing/*',
      'Web App',
    ]
    const chosen = random() < 0.8 ? pick(known) : pick(hostileTexts)
    return chosen.slice(0, typeof maxLength === 'number' ? maxLength : undefined)
  }

  function number({ minimum, exclusiveMinimum, maximum }: Schema, type: string): number {
    const low = Number(minimum ?? exclusiveMinimum ?? 0)
    const high = Math.min(Number(maximum ?? 1_000), 1_000_000)
    const chosen = low + random() * (high - low)
    return type === 'integer' ? Math.ceil(chosen) : chosen
  }

  function object({ properties = {}, required = [] }: Schema): Record<string, unknown> {
    const made: Record<string, unknown> = {}
    for (const [name, schema] of Object.entries(properties)) {
      const isThere = required.includes(name) ? random() > hostility : random() < 0.4
      if (isThere) made[name] = value(schema)
    }
    if (Object.keys(properties).length === 0) made[pick(['a', 'b'])] = pick(hostileValues)
    if (random() < hostility) {
      const name = pick(['id', 'status', 'key', 'key_hash', 'createdAt', '__proto__', ...hostileTexts])
      Object.defineProperty(made, name, { value: pick(hostileValues), enumerable: true, configurable: true })
    }
    return made
  }

  return { value, pick, random }
}
