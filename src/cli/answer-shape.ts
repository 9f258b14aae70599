import { CliError, exitCodes } from './cli-error.ts'

type Fields = Readonly<Record<string, unknown>>

/**
 * What the commands rely on in an answer. Only this much, so that servers of other versions are understood.
 * @param path below `/api/v1/events`
 * @throws CliError when something else answers there.
 */
export function assertShape(method: string, path: string, answer: unknown): void {
  if (!isExpected(method, path, answer)) throw notTheApi('its answer lacks what that API gives')
}

export function notTheApi(why: string): CliError {
  return new CliError(
    exitCodes.unavailable,
    `This does not look like writekey's management API: ${why}. Give the URL of the server that has it as --api, such as https://events.example.com.`,
  )
}

function isExpected(method: string, path: string, answer: unknown): boolean {
  if (!isObject(answer)) return false
  if (path === '/debugger') return typeof answer.scope === 'string'
  if (path === '/usage')
    return isObject(answer.total) && isList(answer.data, ({ reasons }) => isObject(reasons))
  if (path === '/audit-log') return isPage(answer, ({ action }) => typeof action === 'string')
  if (path === '/write-keys' && method === 'GET') return isPage(answer, isKey)
  const action = /[^/]*$/.exec(path)?.[0]
  switch (action) {
    case 'import':
      return isList(answer.results, ({ ok }) => typeof ok === 'boolean')
    case 'check':
      return typeof answer.accepted === 'boolean' && (answer.key === null || isObject(answer.key))
    case 'usage':
      return isObject(answer.accepted) && isObject(answer.refused)
    case 'write-keys':
    case 'rotate':
      return isKey(answer) && typeof answer.key === 'string'
    default:
      return isKey(answer)
  }
}

function isPage(answer: Fields, isRow: (row: Fields) => boolean): boolean {
  const { data, next_cursor: cursor } = answer
  return isList(data, isRow) && (cursor === null || typeof cursor === 'string')
}

function isList(value: unknown, isItem: (item: Fields) => boolean): boolean {
  return Array.isArray(value) && value.every((item) => isObject(item) && isItem(item))
}

function isKey({ id, name, secrets }: Fields): boolean {
  return typeof id === 'string' && typeof name === 'string' && Array.isArray(secrets)
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
