import { appendFileSync } from 'node:fs'
import { createWriteKeys } from '../../../src/index.ts'
import { createSqlStore } from '../../../src/stores/sql/index.ts'
import { answerMessages, readOptions } from './messages.ts'

/** A process that changes keys as fast as it can, and notes each change before it asks for it and after it was acknowledged. */
interface ChangerOptions {
  url: string
  log: string
}

const { url, log } = readOptions<ChangerOptions>()
const keys = createWriteKeys({ store: createSqlStore({ url, notifications: false }) })

const note = (line: string) => appendFileSync(log, `${line}\n`)

async function run(): Promise<void> {
  for (let count = 0; ; count++) {
    const { writeKey, key } = await keys.create({ name: 'made', sourceType: 'server' })
    const { id } = writeKey
    note(`created ${id} ${key}`)
    const step = async (action: string, work: () => Promise<unknown>) => {
      note(`asked ${id} ${action}`)
      await work()
      note(`done ${id} ${action}`)
    }
    await step('rename', () => keys.update(id, { name: 'renamed' }))
    await step('rotate', () => keys.rotate(id))
    if (count % 3 === 0) await step('revoke', () => keys.revoke(id))
    if (count % 3 === 1) await step('remove', () => keys.remove(id))
  }
}

answerMessages({})
run()
