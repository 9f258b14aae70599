import { describe, expect, it } from 'vitest'
import { createPepperCheck } from '../../src/cache/pepper-check.ts'
import { fingerprintOf, plainFingerprint } from '../../src/keys/pepper-option.ts'
import { createSecretHasher } from '../../src/keys/secret-hash.ts'

const [newest, older] = [createSecretHasher('new-new-new-new'), createSecretHasher('old-old-old-old')]
const plain = createSecretHasher(null)
const [newestPrint, olderPrint] = [fingerprintOf(newest), fingerprintOf(older)]

/** A check, and what it asks and tells. The store has these fingerprints, and remembers those that it is given. */
function setUp(hashers: Parameters<typeof createPepperCheck>[0]['hashers'], stored: string[] = []) {
  const asked: string[] = []
  const told: string[] = []
  const state = { remembers: true }
  const notePepper = (fingerprint: string, known: readonly string[]) => {
    asked.push(`${fingerprint} of ${known.join()}`)
    if (state.remembers && stored.every((other) => known.includes(other))) stored.push(fingerprint)
    return [...stored]
  }
  const tell = {
    onMissing: ({ code, message }: { code: string; message: string }) => told.push(`${code}: ${message}`),
    onUnchecked: () => told.push('unchecked'),
  }
  const check = createPepperCheck({ store: { notePepper }, hashers, ...tell })
  const forgetful = createPepperCheck({ store: {}, hashers, ...tell })
  return { ...check, forgetful, asked, told, state }
}

const lacks = (fingerprints: string) =>
  `The store holds keys made with a pepper that this process lacks (fingerprint ${fingerprints}): add it to the option pepper`
const lacksPlain = 'The store holds keys made without a pepper: end the list of the option pepper with null'

describe('what a process lacks', () => {
  it.each([
    ['nothing', [newestPrint, olderPrint], undefined],
    ['one pepper', [newestPrint, 'aaaa'], `${lacks('aaaa')}.`],
    ['two', ['aaaa', newestPrint, 'bbbb'], `${lacks('aaaa, bbbb')}.`],
    ['null', [plainFingerprint()], `${lacksPlain}.`],
    ['null and a pepper', ['aaaa', plainFingerprint()], `${lacksPlain}. ${lacks('aaaa')}.`],
  ])('is named: %s', (_, peppers, message) => {
    const { see, missing, told } = setUp([newest, older])
    see({ peppers })
    expect(missing()?.message).toBe(message)
    expect(told).toEqual(message === undefined ? [] : [`pepper_missing: ${message}`])
  })

  it('is told again only when it changes, or has been there meanwhile', () => {
    const { see, missing, told } = setUp([newest])
    for (const peppers of [['aaaa'], ['aaaa'], [newestPrint, 'aaaa'], ['aaaa', 'bbbb'], [], ['aaaa']])
      see({ peppers })
    expect(told).toEqual(
      ['aaaa', 'aaaa, bbbb', 'aaaa'].map((fingerprints) => `pepper_missing: ${lacks(fingerprints)}.`),
    )
    see({ peppers: [newestPrint] })
    expect(missing()).toBeUndefined()
  })
})

describe('a store that says nothing of peppers', () => {
  it.each([
    ['a pepper', [newest] as const, ['unchecked']],
    ['a pepper and null', [newest, plain] as const, ['unchecked']],
    ['none', [plain] as const, []],
  ])('is told of once to a process with %s', (_, hashers, expected) => {
    const { forgetful, told } = setUp(hashers)
    forgetful.see({})
    forgetful.see({})
    expect(told).toEqual(expected)
    expect(forgetful.missing()).toBeUndefined()
  })

  it('is not told of while it has yet to answer, if it remembers them', () => {
    const { see, told } = setUp([newest])
    see({})
    expect(told).toEqual([])
  })

  it('has keys made all the same', async () => {
    const { forgetful } = setUp([newest])
    await forgetful.claim(['newest', 'plain'])
  })
})

describe('before keys are made', () => {
  it('the store is told the newest pepper, once, and again when it shows another history', async () => {
    const { claim, forgetClaims, asked } = setUp([newest, older])
    await claim()
    await claim()
    const first = `${newestPrint} of ${newestPrint},${olderPrint}`
    expect(asked).toEqual([first])
    forgetClaims()
    await claim()
    expect(asked).toEqual([first, first])
  })

  it('it is told of hashes without a pepper, if such keys are made', async () => {
    const { claim, asked } = setUp([newest, plain])
    const known = `${newestPrint},${plainFingerprint()}`
    await claim(['plain', 'newest'])
    expect(asked).toEqual([`${plainFingerprint()} of ${known}`, `${newestPrint} of ${known}`])
  })

  it('none is, when the store has a pepper that this process lacks, which is told', async () => {
    const { claim, asked, told, missing } = setUp([newest, older], [olderPrint, 'aaaa'])
    for (let time = 0; time < 2; time++)
      await expect(claim()).rejects.toMatchObject({ code: 'pepper_missing', message: `${lacks('aaaa')}.` })
    expect(asked.length).toBe(2)
    expect(told).toEqual([`pepper_missing: ${lacks('aaaa')}.`])
    expect(missing()?.message).toBe(`${lacks('aaaa')}.`)
  })

  it('none is, when the store has not remembered the pepper', async () => {
    const { claim, state } = setUp([newest, older], [olderPrint])
    state.remembers = false
    await expect(claim()).rejects.toMatchObject({
      code: 'pepper_missing',
      message: `The store has not remembered the pepper that keys would be made with (fingerprint ${newestPrint}): notePepper must return it.`,
    })
  })
})
