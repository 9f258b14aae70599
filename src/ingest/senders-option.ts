import { badOption } from '../runtime/config-error.ts'
import { oneOf } from '../runtime/options.ts'
import { defaultSenders, type SenderName, senders } from './senders.ts'

const senderName = oneOf(Object.keys(senders) as SenderName[])

/** The option `senders`. @throws ConfigError */
export function sendersOption(value: unknown, option: string): readonly SenderName[] {
  if (value === undefined) return defaultSenders
  if (!Array.isArray(value) || value.length === 0)
    throw badOption(option, value, "a list with at least one sender, such as ['segment', 'inngest']")
  return value.map((name, index) => senderName(name, `${option}[${index}]`))
}
