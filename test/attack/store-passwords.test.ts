import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSqlStore } from '../../src/stores/sql/index.ts'
import { describeStoreUrl } from '../../src/stores/sql/store-url.ts'
import { openShell } from '../cli/shell.ts'

/** Nobody listens there, so that a URL that can be read fails at once. */
const nowhere = '127.0.0.1:1'
const marks = ['Geheim', 'pa55word', '7777', 'hunter2']
/** A password of marks with everything between them that a URL gives a meaning to. */
const password = fc
  .tuple(
    fc.constantFrom(...marks),
    fc.array(
      fc.tuple(
        fc.constantFrom(
          '@',
          ':',
          '/',
          '?',
          '#',
          '%',
          '%zz',
          '%2',
          '%40',
          '&',
          '=',
          ' ',
          '\\',
          '[',
          ']',
          '"',
          "'",
          '\t',
          '+',
          '//',
          '@@',
          'é',
        ),
        fc.constantFrom(...marks, ''),
      ),
      { maxLength: 3 },
    ),
  )
  .map(([first, rest]) => first + rest.flat().join(''))
const storeUrl = fc
  .tuple(
    fc.constantFrom(
      'postgres',
      'postgresql',
      'mysql',
      'mariadb',
      'redis',
      'POSTGRES',
      'pg',
      'sqlite',
      'mongodb+srv',
    ),
    fc.constantFrom('://', '://', '://', ':', ':/', ''),
    password,
    fc.constantFrom(
      (word: string) => `u:${word}@${nowhere}/db`,
      (word: string) => `u:x@${word}@${nowhere}/db`,
      (word: string) => `:${word}@${nowhere}/db`,
      (word: string) => `${word}@${nowhere}/db`,
      (word: string) => `u:${word}@/db?host=/nowhere`,
      (word: string) => `u:${word}@/db?socketPath=/nowhere`,
      (word: string) => `u:${word.replaceAll('@', '')}`,
      (word: string) => `u@${nowhere}/db?password=${word}`,
      (word: string) => `u@${nowhere}/db?sslpassword=${word}`,
      (word: string) => `u@${nowhere}/db?ssl={"passphrase":"${word}"`,
      (word: string) => `u:${word}@${nowhere}`,
      (word: string) => `u:${word}@[::1/db`,
      (word: string) => `u:${word}@127.0.0.1:99999/db`,
    ),
  )
  .map(([scheme, separator, word, place]) => `${scheme}${separator}${place(word)}`)

function expectNoMark(text: string): void {
  for (const mark of marks) expect(text).not.toContain(mark)
}

describe('the password of a store', () => {
  it.each([
    'postgres://u:x@pa55word@127.0.0.1:1/db',
    'postgres://u:pa55word@127.0.0.1:1/db',
    'postgres://u:7777#Geheim@127.0.0.1:1/db',
    'postgres://u:7777/Geheim@127.0.0.1:1/db',
    'postgres://u:7777?Geheim@127.0.0.1:1/db',
    'postgres://u:7777?a=Geheim@127.0.0.1:1/db',
    'postgres://u:pa55word%zz@127.0.0.1:1/db',
    'mysql://u:pa55word@127.0.0.1:1/db?ssl={"passphrase":"Geheim"',
    'postgres://u@127.0.0.1:1/db?password=pa55word&sslpassword=Geheim',
    'redis://:pa55word@127.0.0.1:1',
    'pa55word',
    'u:pa55word@127.0.0.1/db',
    'sqlite:postgres://u:pa55word@127.0.0.1/db',
    'sqlite://7777//Geheim:pa55word@127.0.0.1:1/db',
  ])('is in no message of a command, with %s', async (url) => {
    const shell = openShell()
    for (const command of ['migrate', 'list', 'create', 'serve', 'check', 'audit']) {
      const asOption = await shell.run([command, '--store', url], command === 'check' ? 'sk_live_x' : '')
      const asSetting = await openShell({ WRITEKEY_STORE: url, PORT: '0' }).run([command], 'sk_live_x')
      for (const { code, out, err } of [asOption, asSetting]) {
        expect(code).toBeGreaterThan(0)
        expect(out + err).not.toBe('')
        expectNoMark(out + err)
      }
    }
  })

  it('is in no error and no description of a store, whatever is wrong with its URL', async () => {
    await fc.assert(
      fc.asyncProperty(storeUrl, async (url) => {
        // A path of SQLite is a path, and shown; it has no password to hide.
        fc.pre(!/^sqlite:(?!\/\/.*:.*@)/i.test(url))
        // Host and port by any reading.
        fc.pre(!/^\w+:\/\/u:\d+([/?][^@]*)?$/.test(url))
        expectNoMark(describeStoreUrl(url))
        try {
          const store = createSqlStore({ url })
          await store.migrate().catch((error: Error) => expectNoMark(everythingIn(error)))
          await store.close()
        } catch (error) {
          expectNoMark(everythingIn(error as Error))
        }
      }),
      { numRuns: 300 },
    )
  })
})

/** All that a logger could print of it. */
function everythingIn(error: Error): string {
  const texts: string[] = []
  for (let one: unknown = error; one instanceof Error; one = one.cause) {
    texts.push(
      one.message,
      JSON.stringify(
        one,
        Object.getOwnPropertyNames(one).filter((name) => name !== 'stack'),
      ),
    )
  }
  return texts.join('\n')
}
