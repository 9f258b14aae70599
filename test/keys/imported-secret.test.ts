import { createHash, createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createSecretTest, parseImportedSecret } from '../../src/keys/imported-secret.ts'
import { pepperOption } from '../../src/keys/pepper-option.ts'
import { generateSecret } from '../../src/keys/secret.ts'
import { importedKeysOption } from '../../src/keys/secret-shape.ts'
import { KeyError } from '../../src/runtime/errors.ts'

const shape = importedKeysOption(/^[A-Za-z0-9/;#?%]{16,64}$/, 'importedKeys')
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const hmac = (pepper: string, text: string) => createHmac('sha256', pepper).update(text).digest('hex')

function rulesWith(changed: object = {}) {
  return {
    ownPrefix: 'sk_live_',
    prefixOfEnvironment: 'sk_test_',
    importedShape: shape,
    secretsInPaths: false,
    hashers: pepperOption(null, 'pepper', true),
    ...changed,
  }
}

/** What an import says of it, as `field: message`. */
function refusal(given: { key?: unknown; keyHash?: unknown }, changed: object = {}): string {
  try {
    parseImportedSecret(given, rulesWith(changed))
  } catch (error) {
    if (!(error instanceof KeyError)) throw error
    expect(error.code).toBe('invalid_field')
    return `${error.field}: ${error.message}`
  }
  return 'not refused'
}

describe('a secret that is imported', () => {
  it('is known by its hash, and shows a quarter of itself, twelve characters at most', () => {
    const key = 'kZ9aB3cD4eF5gH6i'
    expect(parseImportedSecret({ key }, rulesWith())).toEqual({
      keyHash: sha256(key),
      start: 'kZ9a',
      imported: true,
      hashes: [sha256(key)],
      isHashed: false,
    })
    const long = 'x'.repeat(64)
    expect(parseImportedSecret({ key: long }, rulesWith()).start).toBe('x'.repeat(12))
  })

  it('is hashed with every pepper, the newest first', () => {
    const key = 'kZ9aB3cD4eF5gH6i'
    const hashers = pepperOption(['newest pepper', 'older pepper'], 'pepper', true)
    const { keyHash, hashes } = parseImportedSecret({ key }, rulesWith({ hashers }))
    expect(hashes).toEqual([hmac('newest pepper', key), hmac('older pepper', key)])
    expect(keyHash).toBe(hashes[0])
  })

  it('may be given as a hash in either case, with no start, also beside a pepper that a null ends', () => {
    const hash = sha256('kZ9aB3cD4eF5gH6i')
    const expected = { keyHash: hash, start: '', imported: true, hashes: [hash], isHashed: true }
    expect(parseImportedSecret({ keyHash: hash.toUpperCase() }, rulesWith())).toEqual(expected)
    const hashers = pepperOption(['newest pepper', null], 'pepper', true)
    expect(parseImportedSecret({ keyHash: hash }, rulesWith({ hashers }))).toEqual(expected)
  })

  it.each([
    [{}, 'key: key is required, or keyHash: the secret that senders have'],
    [
      { key: 'a'.repeat(16), keyHash: sha256('') },
      'keyHash: keyHash must not stand beside key: give one of them',
    ],
    [{ key: 'a'.repeat(15) }, 'key: key must be a string of 16 to 256 characters'],
    [{ key: 'a'.repeat(257) }, 'key: key must be a string of 16 to 256 characters'],
    [{ key: 16 }, 'key: key must be a string of 16 to 256 characters'],
    [{ key: `${'a'.repeat(16)}:` }, 'key: key must have visible ASCII characters only, and no colon'],
    [{ key: `${'a'.repeat(16)} ` }, 'key: key must have visible ASCII characters only, and no colon'],
    [{ key: `é${'a'.repeat(16)}` }, 'key: key must have visible ASCII characters only, and no colon'],
    [{ key: 'a.b'.repeat(8) }, 'key: key does not match the option importedKeys'],
    [{ keyHash: 'a'.repeat(63) }, 'keyHash: keyHash must be a SHA-256 in 64 hex digits'],
    [{ keyHash: 'a'.repeat(65) }, 'keyHash: keyHash must be a SHA-256 in 64 hex digits'],
    [{ keyHash: `${'a'.repeat(63)}g` }, 'keyHash: keyHash must be a SHA-256 in 64 hex digits'],
    [{ keyHash: [sha256('')] }, 'keyHash: keyHash must be a SHA-256 in 64 hex digits'],
    [{ keyHash: 7 }, 'keyHash: keyHash must be a SHA-256 in 64 hex digits'],
  ])('is refused as %j', (given, problem) => {
    expect(refusal(given)).toBe(problem)
  })

  it('has 16 to 256 characters', () => {
    const importedShape = importedKeysOption(/^a+$/, 'importedKeys')
    for (const length of [16, 256])
      expect(refusal({ key: 'a'.repeat(length) }, { importedShape })).toBe('not refused')
  })

  it('is judged by its checksum where it begins as our own do', () => {
    const own = generateSecret('sk_live_')
    expect(parseImportedSecret({ key: own }, rulesWith({ importedShape: undefined })).keyHash).toBe(
      sha256(own),
    )
    const foreign = generateSecret('sk_other_')
    expect(refusal({ key: foreign }, { importedShape: undefined })).toBe('not refused')
    const any = importedKeysOption(/^[\w]{16,64}$/, 'importedKeys')
    for (const prefix of ['sk_live_', 'sk_test_'])
      expect(refusal({ key: `${prefix}${'a'.repeat(38)}` }, { importedShape: any })).toMatch(
        /^key: .*its checksum is wrong: a character is missing or mistyped$/,
      )
    expect(refusal({ key: `sk_prod_${'a'.repeat(38)}` }, { importedShape: any })).toBe('not refused')
  })

  it('needs the option importedKeys, and says so', () => {
    expect(refusal({ key: 'kZ9aB3cD4eF5gH6i' }, { importedShape: undefined })).toBe(
      'key: key was not made by writekey: set the option importedKeys to the shape of such secrets',
    )
  })

  it.each(['/', ';', '#', '?', '%'])('has no %s where senders may have it in a path', (character) => {
    const key = `${'a'.repeat(16)}${character}`
    expect(refusal({ key })).toBe('not refused')
    expect(refusal({ key }, { secretsInPaths: true })).toMatch(/^key: key must have none of \/ ; # \\ \? %/)
  })

  it('cannot be given as a hash where a pepper changes every hash', () => {
    const hashers = pepperOption('only pepper', 'pepper', true)
    expect(refusal({ keyHash: sha256('a') }, { hashers })).toMatch(
      /^keyHash: .*with a pepper.*give the secret in the clear as key, or end the pepper list with null$/,
    )
  })
})

describe('a presented secret', () => {
  it('has our shape, or that of imported ones unless it begins as ours do', () => {
    const own = generateSecret('sk_live_')
    const any = importedKeysOption(/^[\w]{16,64}$/, 'importedKeys')
    const alone = createSecretTest({ ownPrefix: 'sk_live_', importedShape: undefined })
    const both = createSecretTest({ ownPrefix: 'sk_live_', importedShape: any })
    const wrong = `sk_live_${'a'.repeat(38)}`
    const foreign = 'kZ9aB3cD4eF5gH6i'
    expect([own, wrong, foreign].map((text) => alone(text))).toEqual([true, false, false])
    expect([own, wrong, foreign].map((text) => both(text))).toEqual([true, false, true])
    expect([own, wrong, foreign].map((text) => both(Buffer.from(text)))).toEqual([true, false, true])
  })
})
