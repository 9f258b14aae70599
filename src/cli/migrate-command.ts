import { existsSync } from 'node:fs'
import { parseStoreUrl } from '../stores/sql/store-url.ts'
import type { CommandRun } from './command-run.ts'
import { tellStoreFailure } from './store-failure.ts'
import { describeStore, memoryUrl, openStore, storeUrl, tablesLocation } from './store-location.ts'
import { noteLine, printLine } from './terminal.ts'

/**
 * Makes the tables or brings them up to date; with `--dry-run` it prints the SQL of that and runs none of it.
 */
export async function migrate({ values, terminal }: Omit<CommandRun, 'client'>): Promise<void> {
  const url = storeUrl(values.store, terminal)
  const tables = tablesLocation(values, terminal)
  const place = describeStore(url, tables)
  const isDryRun = values['dry-run'] === true
  const finish = values.finish === true
  const store = await openStore(isDryRun ? withoutNewFile(url) : url, tables, !isDryRun)
  try {
    if (!('migrate' in store)) {
      noteLine(terminal, `${place} has no tables.`)
    } else if (isDryRun) {
      const statements = await store.planMigration({ finish })
      for (const statement of statements) printLine(terminal, `${statement};`)
      if (statements.length === 0) noteLine(terminal, `The tables in ${place} are up to date.`)
    } else {
      // Another process may do some of it meanwhile.
      const planned = await store.planMigration({ finish })
      await store.migrate({ finish })
      printLine(terminal, told(planned, place))
    }
  } catch (error) {
    throw tellStoreFailure(error, place)
  } finally {
    await store.close()
  }
}

function told(planned: readonly string[], place: string): string {
  if (planned.length === 0) return `The tables in ${place} are up to date: there was nothing to do.`
  // Later versions add tables as well, but not this one.
  return planned.some((statement) => /^create table if not exists \S*keys["`] /i.test(statement))
    ? `Made the tables in ${place}. They are up to date.`
    : `Updated the tables in ${place}. They are up to date.`
}

/**
 * A look must not leave an empty SQLite file behind: one that is not there yet has the tables of an empty
 * database.
 */
function withoutNewFile(url: string): string {
  if (url === memoryUrl) return url
  const { dialect, private: isPrivate, target } = parseStoreUrl(url)
  return dialect === 'sqlite' && !isPrivate && !existsSync(target) ? 'sqlite::memory:' : url
}
