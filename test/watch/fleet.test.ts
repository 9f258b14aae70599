import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createWriteKeys, type WriteKeys, type WriteKeysOptions } from '../../src/index.ts'
import { createSqlStore } from '../../src/stores/sql/index.ts'
import { useFolder } from '../stores/sql/databases.ts'

const folder = useFolder()
let files = 0

/** As many processes as there are names, which share one file. */
async function startProcesses(names: readonly string[], options: WriteKeysOptions = {}) {
  const url = `sqlite:${join(folder, `fleet-${++files}.db`)}`
  const all = names.map((processName) => {
    const keys = createWriteKeys({ ...options, store: createSqlStore({ url }), activity: { processName } })
    onTestFinished(() => keys.close())
    return keys
  })
  const created = await (all[0] as WriteKeys).create({
    name: 'Web',
    sourceType: 'web',
    allowedOrigins: ['https://app.example'],
  })
  const send = (keys: WriteKeys, event: string, origin = 'https://app.example') =>
    keys.verify({
      method: 'POST',
      path: '/v1/track',
      headers: { authorization: `Basic ${btoa(`${created.key}:`)}`, origin },
      ip: '203.0.113.7',
      body: { event },
    })
  return { all: all as [WriteKeys, ...WriteKeys[]], send, id: created.writeKey.id }
}

function shown(keys: WriteKeys): string[] {
  return keys.activity.decisions.list().map(({ process, names }) => `${process} ${names[0]}`)
}

describe('processes that share a store', () => {
  it('show each other’s decisions while somebody looks, also what came before', async () => {
    const { all, send } = await startProcesses(['one', 'two', 'three'])
    const [one, two] = all
    for (const keys of all) await send(keys, 'before')
    expect(one.activity.scope).toBe('fleet')
    expect(shown(one)).toEqual(['one before'])
    onTestFinished(one.activity.decisions.subscribe(() => {}))
    await expect.poll(() => shown(one), { timeout: 15_000 }).toHaveLength(3)
    for (const keys of all) await send(keys, 'live')
    await expect.poll(() => shown(one), { timeout: 15_000 }).toHaveLength(6)
    expect(shown(one).toSorted()).toEqual(
      ['one', 'two', 'three'].flatMap((name) => [`${name} before`, `${name} live`]).toSorted(),
    )
    // Nobody looks here: it hears of nothing.
    expect(shown(two as WriteKeys)).toEqual(['two before', 'two live'])
  })

  it('show them to all who look', async () => {
    const errors: unknown[] = []
    const { all, send } = await startProcesses(['one', 'two'], {
      onEvent: (event) => event.type === 'store_error' && errors.push(event.error),
    })
    for (const keys of all) await send(keys, 'before')
    for (const keys of all) onTestFinished(keys.activity.decisions.subscribe(() => {}))
    for (const round of ['first', 'second']) {
      await Promise.all(all.map((keys) => send(keys, round)))
      for (const keys of all)
        await expect
          .poll(() => shown(keys), { timeout: 15_000 })
          .toEqual(expect.arrayContaining([`one ${round}`, `two ${round}`]))
    }
    expect(errors).toEqual([])
  })
})
