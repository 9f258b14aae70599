import { badOption } from '../runtime/config-error.ts'
import { givenFields } from '../runtime/given-fields.ts'
import { nearestName } from '../runtime/nearest-name.ts'
import { group, nullable, number, type OptionReader, whole } from '../runtime/options.ts'
import { maxRateLimitEps, minRateLimitEps } from './field-parsers.ts'
import { planCharacters, planPattern } from './ids.ts'
import type { KeyRecord } from './key-record.ts'

/** The defaults that a plan gives its keys. `null` or absent: the application's default, or no limit. */
export interface PlanOptions {
  /** Events per second, 0.001 to 1 000 000. */
  rateLimitEps?: number | null | undefined
  /** Events per second of one sender of a key, 0.001 to 1 000 000. */
  senderRateLimitEps?: number | null | undefined
  /**
   * Events that each key of the plan may send in a calendar month (UTC), as usage counts them: a whole number
   * from 1 to 10^15.
   */
  monthlyEvents?: number | null | undefined
}

/** A plan with the application's defaults filled in. `null` = unlimited. */
export interface Plan {
  /** `null`: there is no plan. */
  readonly name: string | null
  readonly rateLimitEps: number | null
  /** `null`: one sender may use the whole rate. */
  readonly senderRateLimitEps: number | null
  /** `null`: any number. */
  readonly monthlyEvents: number | null
}

/** The plans of an application. */
export interface Plans {
  /** The names; undefined when the application has no plans, and so accepts any name. */
  readonly names: readonly string[] | undefined
  /** The plan of that name; the default plan for none or an unknown one. */
  of(name: string | null): Plan
  /** Whether any has `monthlyEvents`. */
  readonly haveQuotas: boolean
  /** Whether the plan exists, as far as this application knows. */
  knows(name: string): boolean
}

/** The rate that counts for a key: its own, else its plan's, else the default. `null` = unlimited. */
export function effectiveRateOf(
  record: Pick<KeyRecord, 'rateLimitEps' | 'plan'>,
  plans: Plans,
): number | null {
  const eps = record.rateLimitEps ?? plans.of(record.plan).rateLimitEps
  // A store may hold a lower rate from before there was a lowest one.
  return eps === null ? null : Math.max(eps, minRateLimitEps)
}

/** The share of one sender that counts for a key: its own, else its plan's. `null` = none. */
export function effectiveSenderRateOf(
  record: Pick<KeyRecord, 'senderRateLimitEps' | 'plan'>,
  plans: Plans,
): number | null {
  // A custom store from before there were shares has no such field.
  return record.senderRateLimitEps ?? plans.of(record.plan).senderRateLimitEps
}

const rate = nullable(number(minRateLimitEps, maxRateLimitEps))
const planOption = group({
  rateLimitEps: rate,
  senderRateLimitEps: rate,
  monthlyEvents: nullable(whole(1, 1e15)),
})

/** The option `plans`. */
export const plansOption: OptionReader<ReadonlyMap<string, Omit<Plan, 'name'>> | undefined> = (
  value,
  option,
) => {
  if (value === undefined) return undefined
  const expected = 'an object of plans by their names, such as { free: { rateLimitEps: 50 } }'
  const plans = givenFields(value, [])
  if (plans === undefined) throw badOption(option, value, expected)
  return new Map(
    Object.entries(plans).map(([name, plan]) => {
      if (!planPattern.test(name)) throw badOption(option, value, `${expected}; a name is ${planCharacters}`)
      return [name, planOption(plan, `${option}.${name}`)]
    }),
  )
}

/** @throws ConfigError when `defaultPlan` is none of the plans. */
export function createPlans(
  plans: ReadonlyMap<string, Omit<Plan, 'name'>> | undefined,
  defaultPlan: string | undefined,
  defaultRateLimitEps: number | null,
): Plans {
  const names = plans === undefined ? undefined : [...plans.keys()]
  if (defaultPlan !== undefined && !plans?.has(defaultPlan)) {
    const meant = nearestName(defaultPlan, names ?? [])
    throw badOption(
      'defaultPlan',
      defaultPlan,
      `one of the plans${meant === undefined ? '' : `, such as '${meant}'`}`,
    )
  }
  const none: Plan = {
    name: null,
    rateLimitEps: defaultRateLimitEps,
    senderRateLimitEps: null,
    monthlyEvents: null,
  }
  const filled = new Map<string, Plan>(
    [...(plans ?? [])].map(([name, plan]) => [
      name,
      { ...plan, name, rateLimitEps: plan.rateLimitEps ?? defaultRateLimitEps },
    ]),
  )
  const fallback = filled.get(defaultPlan ?? '') ?? none
  return {
    names,
    haveQuotas: [...filled.values()].some(({ monthlyEvents }) => monthlyEvents !== null),
    of: (name) => (name === null ? fallback : (filled.get(name) ?? fallback)),
    knows: (name) => plans === undefined || filled.has(name),
  }
}
