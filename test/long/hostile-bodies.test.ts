import { expect, it } from 'vitest'
import { parseJsonBody } from '../../src/http/json-body.ts'

const size = 4_000_000
const name = (index: number) => (index + 36).toString(36)

/** A text of full size, of as many items as fit. */
function fill(head: string, item: (index: number) => string, tail: string): string {
  const items: string[] = []
  let left = size - head.length - tail.length
  for (let index = 0; ; index++) {
    const next = item(index)
    left -= next.length + 1
    if (left < 0) return head + items.join(',') + tail
    items.push(next)
  }
}

const object = (names: string[]) => `{${names.map((one) => `"${one}":1`).join(',')}}`
const names = (count: number, first = 0) => Array.from({ length: count }, (_, index) => name(first + index))
const turned = (list: string[], by: number) =>
  list.map((_, index) => list[(index * (1 + (by % 96)) + by) % list.length] as string)
const inList = (item: (index: number) => string) => fill('{"properties":[', item, ']}')

/** Where V8 makes a hidden class for each name: nothing bounds it but the size of a body. */
const slow: [string, () => string][] = [
  ['one object of different names', () => fill('{', (index) => `"${name(index)}":1`, '}')],
  ['objects of two new names each', () => inList((index) => object(names(2, 2 * index)))],
  ['objects of 120 new names each', () => inList((index) => object(names(120, 120 * index)))],
  ['objects of the same 97 names in other orders', () => inList((index) => object(turned(names(97), index)))],
]

const quick: [string, () => string][] = [
  ['one name again and again', () => fill('{', () => '"a":1', '}')],
  ['small objects', () => inList(() => '{"a":"aaaaaaaaaaa"}')],
  ['small lists', () => inList(() => '[0,0,0,0,0,0,0,0,0]')],
  ['more objects than may be', () => inList(() => '{}')],
  [
    'lists nested 1 000 deep',
    () => inList(() => `${'["aaaaaaaaaaaaaaaaaa",'.repeat(1_000)}1${']'.repeat(1_000)}`),
  ],
  ['different short texts', () => inList((index) => `"${name(index)}"`)],
  ['hard numbers', () => inList(() => '2.2250738585072011e-308')],
  ['numbers of 800 digits', () => inList(() => `2.${'2'.repeat(800)}e-308`)],
  ['one number', () => `{"properties":${'1'.repeat(size - 20)}}`],
  ['escapes', () => `{"event":"${'\\u4e00'.repeat(size / 6 - 10)}"}`],
  ['blanks', () => `{"event":${' '.repeat(size - 20)}1}`],
]

it.each([
  ...slow.map(([what, make]) => [what, make, 5_000] as const),
  ...quick.map(([what, make]) => [what, make, 1_000] as const),
])('4 MB of %s do not stop the process for long', (what, make, mostMs) => {
  const body = Buffer.from(make())
  expect(body.length).toBeGreaterThan(size - 25_000)
  const times = Array.from({ length: 3 }, () => {
    const start = performance.now()
    parseJsonBody(body)
    return performance.now() - start
  })
  console.log(`4 MB of ${what}: ${times.map(Math.round).join(', ')} ms`)
  expect(Math.min(...times)).toBeLessThan(mostMs)
})
