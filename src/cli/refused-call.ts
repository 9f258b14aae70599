import { toCamelCase, toKebabCase } from '../runtime/letter-case.ts'
import { CliError, type ExitCode, exitCodes } from './cli-error.ts'

/** What a refused call of the management API is answered. */
export interface ProblemJson {
  code: string
  detail: string
  field?: string
  retry_after?: number
}

/** A refused call as one sentence with what to do about it. */
export function refusalOf({ status, headers }: Response, problem: ProblemJson | undefined): CliError {
  const refused = (text: string, exitCode: ExitCode = exitCodes.refused) =>
    new CliError(exitCode, text, problem?.code)
  if (status >= 300 && status < 400) {
    const to = originOf(headers.get('location'))
    return refused(`The server at --api redirects${to}. Use that URL.`, exitCodes.usage)
  }
  if (problem === undefined) {
    return status >= 500
      ? refused(`The server at --api failed with ${status}. Try again later.`, exitCodes.unavailable)
      : refused(
          `There is no management API at --api (it answered ${status}). Give the URL of the server that has it, such as https://events.example.com.`,
          exitCodes.usage,
        )
  }
  const { code, detail, field, retry_after: seconds } = problem
  switch (code) {
    case 'invalid_token':
      return refused(
        'The server at --api refused: it does not know this management token. Give another as WRITEKEY_TOKEN.',
      )
    case 'read_only_token':
      return refused(
        'This management token has the role viewer and may only read. Use one with the role admin.',
      )
    case 'too_many_failures':
      return refused(
        `The server at --api was given too many wrong management tokens from this address. Try again in ${seconds ?? 60} s.`,
      )
    case 'not_found':
      return refused(detail === 'There is nothing here.' ? 'There is no write key with this id.' : detail)
    case 'invalid_field':
      return refused(asFlag(detail, field), exitCodes.usage)
    case 'store_unavailable':
      return refused(
        'The store of the server at --api does not answer. Try again later.',
        exitCodes.unavailable,
      )
    case 'internal_error':
      return refused('The server at --api failed. Its log says why.', exitCodes.unavailable)
    default:
      return refused(detail)
  }
}

const ownNames: Readonly<Record<string, string>> = { key_id: 'key', version: 'if-version' }

/** `allowed_origins[0] must be …` → `--allowed-origins[0] must be …` */
function asFlag(detail: string, field = 'body'): string {
  const [, name = '', index = ''] = /^([a-z0-9_]+)(.*)$/.exec(field) ?? []
  // What stands within the JSON of an option is no option.
  if (name === '' || name === 'body' || !detail.startsWith(field) || / is not a field /.test(detail))
    return sentence(detail)
  return sentence(
    `--${ownNames[name] ?? toKebabCase(toCamelCase(name))}${index}${detail.slice(field.length)}`,
  )
}

function sentence(text: string): string {
  return /[.?!]$/.test(text) ? text : `${text}.`
}

/** Without what a path or query may hold. */
function originOf(location: string | null): string {
  try {
    return ` to ${new URL(location ?? '').origin}`
  } catch {
    return ''
  }
}
