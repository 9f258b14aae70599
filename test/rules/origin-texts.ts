import fc from 'fast-check'
import { expect } from 'vitest'
import { allowsOrigin, compileOriginRule } from '../../src/rules/origin-rule.ts'

/** Long lists are looked up differently; every case is decided by one as well, and must come out the same. */
export const others = Array.from(
  { length: 20 },
  (_, n) => `https://${n % 2 ? '*.' : ''}other${n}.example.org`,
)

export function allows(rules: string[], origin: string): boolean {
  const [decision, amongOthers] = [rules, [...rules, ...others]].map((list) => {
    const rule = compileOriginRule({ allowedOrigins: list })
    return rule !== null && allowsOrigin(rule, origin)
  })
  expect(amongOthers).toBe(decision)
  return decision === true
}

/** Mostly origins, many of them slightly wrong. */
export function originText(): fc.Arbitrary<string> {
  const scheme = fc.constantFrom(
    'https://',
    'https://',
    'https://',
    'http://',
    'HTTPS://',
    'https:',
    'blob:https://',
    'wss://',
  )
  const odd = fc.constantFrom(
    '',
    '*',
    'A',
    'a_b',
    '-',
    'a-',
    'xn--a',
    'xn--bcher-kva',
    '\u00fc',
    '%61',
    'a~',
    'a,',
    '{',
    'a'.repeat(70),
    'a@',
    'a:',
    'a/',
    'a\\',
    'a`',
    'evil.com',
  )
  const label = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom('a', 'b', 'app', '0', 'a-b') },
    { weight: 1, arbitrary: odd },
  )
  const base = fc.constantFrom(
    'example.com',
    'example.com',
    'b.example.com',
    'evilexample.com',
    'example.com.',
    'example.com.evil.com',
    'localhost',
    '\uff45xample.com',
  )
  const end = fc.constantFrom('', '', '', '', ':443', ':8080', ':3000', ':08080', ':', '/', '?', '#', ' ')
  return fc
    .tuple(scheme, fc.array(label, { maxLength: 3 }), base, end)
    .map(([scheme, labels, base, end]) => scheme + [...labels, base].join('.') + end)
}

export function allowsSlowly(rules: string[], origin: string): boolean {
  let url: URL
  try {
    url = new URL(origin)
  } catch {
    return false
  }
  // No Punycode, which the parser of Node 24 leaves as it is.
  if (url.origin !== origin || url.hostname.split('.').includes('xn--a')) return false
  return rules.some((rule) => {
    if (!rule.includes('*')) return rule === origin
    const [before, after] = rule.split('*')
    if (!origin.startsWith(before ?? '') || !origin.endsWith(after ?? '')) return false
    const labels = origin.slice(before?.length, -(after?.length ?? 0)).split('.')
    return labels.every((label) => label !== '' && !label.includes('*'))
  })
}
