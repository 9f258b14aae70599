import { expect, it } from 'vitest'
import { findSecret, mayBeSecret, withoutSecrets } from '../../dashboard/src/words/secret-in-text.ts'
import { generateSecret } from '../../src/keys/secret.ts'

const secrets = ['sk_live_', 'sk_test_', 'acme-wk_'].map((prefix) => generateSecret(prefix))

const texts: [string, (secret: string) => string][] = [
  ['alone', (secret) => secret],
  ['with the colon of a user name', (secret) => `${secret}:`],
  ['in quotes', (secret) => `"${secret}"`],
  ['in a setting', (secret) => `WRITE_KEY=${secret}`],
  ['in a curl command', (secret) => `curl -u '${secret}:' http://localhost/v1/track`],
  ['in a Bearer header', (secret) => `Authorization: Bearer ${secret}`],
  ['in a Basic header', (secret) => `Authorization: Basic ${btoa(`${secret}:`)}`],
]

it.each(texts)('finds a secret %s, and leaves no more than its start in an address', (_, toText) => {
  for (const secret of secrets) {
    expect(findSecret(toText(secret))).toBe(secret)
    const left = withoutSecrets(toText(secret))
    expect(left).not.toContain(secret.slice(0, 13))
    expect(left).not.toContain(secret.slice(-8))
    expect(left).not.toContain(btoa(secret).slice(4, 16))
  }
})

it('leaves little of a secret of the usual prefixes in an address while somebody types it', () => {
  for (const secret of secrets.slice(0, 2))
    for (let length = 13; length <= secret.length; length++)
      expect(withoutSecrets(secret.slice(0, length))).toBe(secret.slice(0, 12))
})

it.each([
  'Checkout of the shop in Frankfurt, production, 2026',
  'checkout-web-production-eu-central-1-2026-green',
  'a'.repeat(64),
  'OrderCompletedV2CheckoutStep3Confirmed',
  'wk_0AbC1dEf2GhI3jKl4MnO',
  '2001:db8:85a3:8d3:1319:8a2e:370:7348',
  'https://shop-7f3a9c.example.com:8443',
  '550e8400-e29b-41d4-a716-446655440000',
])('takes %s for no secret of ours, and leaves it as it is', (text) => {
  expect(findSecret(text)).toBeNull()
  expect(withoutSecrets(text)).toBe(text)
})

it.each([
  ['9f86d081884c7d659a2feaa0c55ad015', true],
  ['550e8400-e29b-41d4-a716-446655440000', true],
  ['wk_0AbC1dEf2GhI3jKl4MnO', false],
  ['Checkout of 2026 in the shop', false],
  ['checkout-web-production', false],
])('a pasted %s may be a secret made elsewhere: %s', (text, is) => {
  expect(mayBeSecret(text)).toBe(is)
})
