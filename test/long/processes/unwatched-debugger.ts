import { createAdminApi } from '../../../src/admin/index.ts'
import { createWriteKeys } from '../../../src/index.ts'
import { createSqlStore } from '../../../src/stores/sql/index.ts'

/** Asks the management API once, in a script that has no server and waits for nothing else. */
const { url } = JSON.parse(process.argv[2] as string) as { url: string }
const keys = createWriteKeys({ store: createSqlStore({ url }), logger: false })
const token = '0123456789-0123456789-0123456789'
const api = createAdminApi(keys, { tokens: [{ name: 'ops', token, role: 'admin' }] })
process.send?.({ ready: true })
// The channel would keep the process running.
process.disconnect()
const request = new Request('http://localhost/api/v1/events/debugger', {
  headers: { authorization: `Bearer ${token}` },
})
const { status } = await api.fetch(request)
process.exitCode = status === 200 ? 0 : 1
