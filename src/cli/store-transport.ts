import { createAdminApi } from '../admin/index.ts'
import { createWriteKeys, type WriteKeys } from '../index.ts'
import type { Values } from './arguments.ts'
import { keysOptionsFrom } from './keys-options.ts'
import type { Transport } from './management-client.ts'
import { shellActor } from './shell-actor.ts'
import { tellStoreFailure } from './store-failure.ts'
import { describeStore, openStore, storeUrl, tablesLocation } from './store-location.ts'
import type { Terminal } from './terminal.ts'

/**
 * The management API in this process, on the store that the options name, for whoever may read and write that
 * store.
 *
 * @param isWatching whether decisions of other processes are asked for.
 */
export async function storeTransport(
  values: Values,
  terminal: Terminal,
  isWatching: boolean,
): Promise<Transport> {
  const url = storeUrl(values.store, terminal)
  const tables = tablesLocation(values, terminal)
  const place = describeStore(url, tables)
  const store = await openStore(url, tables)
  // A failure becomes this command's answer.
  const keys = createWriteKeys({ ...keysOptionsFrom(terminal), store, logger: false })
  let failure: unknown
  const actor = shellActor()
  const api = createAdminApi(isWatching ? keys : withoutWatching(keys), {
    authorize: () => ({ name: actor, role: 'admin' }),
    page: false,
    logger: {
      error(details: object) {
        failure = (details as { err?: unknown }).err
      },
    },
  })
  if (isWatching) {
    try {
      await keys.ready()
    } catch (error) {
      await keys.close()
      throw tellStoreFailure(error, place)
    }
  }
  return {
    place,
    origin: 'http://localhost',
    send: (request) => api.fetch(request),
    failure: () => tellStoreFailure(failure, place),
    close: () => keys.close(),
  }
}

/** A command that ends at once reads no decisions, and its own mistakes do not belong in the audit log. */
function withoutWatching(keys: WriteKeys): WriteKeys {
  return Object.defineProperties({} as WriteKeys, {
    ...Object.getOwnPropertyDescriptors(keys),
    activity: { value: undefined, enumerable: true },
    noteRefused: { value: async () => {}, enumerable: true },
  })
}
