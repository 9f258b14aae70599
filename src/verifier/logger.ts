import { isPromised } from '../runtime/awaitable.ts'
import { badOption } from '../runtime/config-error.ts'
import type { OptionReader } from '../runtime/options.ts'
import { sharedByCopies } from '../runtime/shared-by-copies.ts'
import { propertyOf, toError } from '../runtime/thrown.ts'

interface LogMethods {
  error(details: object, message: string): void
  warn(details: object, message: string): void
  /** Changes of keys, which the default logger leaves out. */
  info(details: object, message: string): void
}

/**
 * Where the package writes what an operator should know. It has pino's shape, so that a pino logger fits as
 * it is. Either method may be left out.
 */
export type Logger =
  | (Pick<LogMethods, 'error'> & Partial<LogMethods>)
  | (Pick<LogMethods, 'warn'> & Partial<LogMethods>)

/** The option `logger`; `undefined`: silent. */
export const loggerOption: OptionReader<Logger | undefined> = (value, option) => {
  if (value === undefined) return standardErrorLogger
  if (value === false) return undefined
  const logger = value as Partial<LogMethods> | null
  if ([logger?.error, logger?.warn].some((method) => typeof method === 'function')) return value as Logger
  throw badOption(
    option,
    value,
    'an object with the methods error, warn or both, such as pino makes, or false for silence',
  )
}

/**
 * A logger for what writes lines: the message, what is beside it, and why. Control characters are taken out,
 * so that nothing looks like a line of its own.
 * @example
 * ```ts
 * const logger = createLineLogger({ error: (line) => log.error(line), warn: (line) => log.warn(line) })
 * ```
 */
export function createLineLogger(lines: {
  error(line: string): void
  warn(line: string): void
}): Required<Pick<LogMethods, 'error' | 'warn'>> {
  return {
    error: (details, message) => lines.error(toLine(details, message)),
    warn: (details, message) => lines.warn(toLine(details, message)),
  }
}

const standardErrorLogger = createLineLogger({
  // biome-ignore lint/suspicious/noConsole: standard error in every runtime
  error: (line) => console.error(line),
  // biome-ignore lint/suspicious/noConsole: standard error in every runtime
  warn: (line) => console.warn(line),
})

/** Warns of options that are taken, and are most likely a mistake. A logger that fails changes nothing. */
export function warnAtStart(logger: Logger | undefined, text: string): void {
  if (logger === undefined) return
  try {
    const written: unknown = (logger.warn ?? logger.error)?.call(logger, {}, `writekey: ${text}`)
    if (isPromised(written)) Promise.resolve(written).catch(() => {})
  } catch {
    // The logger belongs to the application.
  }
}

const loggers = /* @__PURE__ */ sharedByCopies('loggers', () => new WeakMap<object, Logger | undefined>())

/** Remembers the logger of some write keys, for what is created with them. */
export function noteLogger(keys: object, logger: Logger | undefined): void {
  loggers.set(keys, logger)
}

/** The logger of these write keys; `undefined`: none. */
export function loggerOf(keys: object): Logger | undefined {
  return loggers.has(keys) ? loggers.get(keys) : standardErrorLogger
}

function toLine(details: object, message: string): string {
  const { err, ...rest } = details as { err?: unknown }
  const facts = Object.entries(rest).map(([name, value]) => `${name} ${String(value)}`)
  const causes = causesOf(err).filter((cause) => !message.includes(cause))
  const first = facts.length === 0 ? message : `${message} (${facts.join(', ')})`
  return [first, ...causes].map(onOneLine).join(': ')
}

/** Errors that JavaScript itself throws: their place is shown. */
const bugs = new Set(['TypeError', 'ReferenceError', 'RangeError', 'SyntaxError'])

/** An error and its cause, if that says something else. */
function causesOf(error: unknown): string[] {
  if (error === undefined) return []
  const readable = toError(error)
  const { message } = readable
  const text = bugs.has(String(propertyOf(readable, 'name'))) ? `${message} ${placeOf(readable)}` : message
  return [text, ...causesOf(propertyOf(readable, 'cause'))]
}

/** The innermost frame of the stack. */
function placeOf(error: Error): string {
  return /^\s*at .*$/m.exec(String(propertyOf(error, 'stack')))?.[0].trim() ?? ''
}

/** A message with text from outside must not look like a line of its own, nor control a terminal. */
function onOneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  return text.replace(/[\x00-\x1f\x7f-\x9f]+/g, ' ').trim()
}
