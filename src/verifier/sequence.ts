import type { Lookup } from '../cache/key-cache-interface.ts'
import type { PresentedSecret } from '../keys/secret.ts'
import type { EventTypeResolver } from '../rules/event-types.ts'
import type { Awaitable } from '../runtime/awaitable.ts'
import { createClientOf } from './client.ts'
import type { CompiledKey } from './compiled-key.ts'
import type { Presented } from './credentials.ts'
import { createDecisionReport, type DecisionReportOptions } from './decision-report.ts'
import { type CheckedEvents, noEvents } from './events.ts'
import { createHandlerTurns } from './handler-turns.ts'
import { createRefusals, type RefusalsOptions } from './refusals.ts'
import { createAcceptance } from './steps/acceptance.ts'
import { type BodyStepOptions, createBodyStep, type Received } from './steps/body.ts'
import type { Charged } from './steps/bucket-charge.ts'
import { type ChargeStepOptions, createChargeStep } from './steps/charge.ts'
import { type CredentialStepOptions, createCredentialStep } from './steps/credential.ts'
import { createEventRules, type EventRulesOptions } from './steps/event-rules.ts'
import { createGate, type GateOptions } from './steps/gate.ts'
import { createInnerGuard } from './steps/inner-guard.ts'
import { createKeyStep, type KeyStepOptions } from './steps/key.ts'
import { createSenderRules, type SenderRulesOptions } from './steps/sender-rules.ts'
import { createSettlements } from './steps/settlements.ts'
import { createTargetCheck, isBodiless } from './steps/target.ts'
import { createTrial } from './steps/trial.ts'
import type { UnderWay } from './under-way.ts'
import type { Refused, Verdict } from './verdict.ts'
import type { Visit } from './visit.ts'

export interface SequenceOptions
  extends DecisionReportOptions,
    RefusalsOptions,
    Omit<KeyStepOptions, 'cache'>,
    SenderRulesOptions,
    BodyStepOptions,
    EventRulesOptions,
    ChargeStepOptions,
    CredentialStepOptions {
  cache: KeyStepOptions['cache'] & GateOptions['cache']
  clock: KeyStepOptions['clock']
  eventTypes: EventTypeResolver
  underWay: Pick<UnderWay, 'leaveOpen' | 'decide'>
}

export interface Sequence {
  /** Takes a visit through every step. Throws, or rejects, when something is broken. */
  run(visit: Visit): Awaitable<Verdict>
  /** The verdict when something threw. */
  fail(visit: Visit, error: unknown): Refused
  /** Gives back what a visit holds, after its verdict. */
  end(visit: Visit): void
}

/**
 * The sequence of checks, cheapest first. Nothing is revealed before the key is known to be good. Each step
 * is a file in `steps/`: it refuses, or leaves its result in the visit for the next ones. A promise appears
 * only where something must be awaited. Each step handles that itself, without a shared helper, so that the
 * compiler can keep the sequence in one piece.
 */
export function createSequence(options: SequenceOptions): Sequence {
  const {
    refusals,
    checkTarget,
    bodies,
    credentials,
    keys,
    senders,
    refuseKey,
    judgeEvents,
    charges,
    passGate,
  } = createSteps(options)

  /** Steps 1 and 2: the target, and what is presented as the key. */
  function run(visit: Visit): Awaitable<Verdict> {
    const refused = checkTarget(visit)
    if (refused !== undefined) return refused
    const presented = credentials.read(visit)
    return presented instanceof Promise
      ? presented.then((value) => lookUp(afterWait(visit), value))
      : lookUp(visit, presented)
  }

  /** Steps 3 to 5: its shape, and the key it belongs to. */
  function lookUp(visit: Visit, presented: Presented): Awaitable<Verdict> {
    const refused = credentials.refuseCredential(visit, presented)
    if (refused !== undefined) return refused
    const found = keys.find(visit, presented as PresentedSecret)
    return found instanceof Promise
      ? found.then((value) => admit(afterWait(visit), value))
      : admit(visit, found)
  }

  /** Steps 6 to 10: up to the body. */
  function admit(visit: Visit, found: Lookup<CompiledKey>): Awaitable<Verdict> {
    const refused = refuseKey(visit, found)
    if (refused !== undefined) return refused
    senders.reportPage(visit, visit.key as CompiledKey)
    const empty = charges.refuseIfEmpty(visit)
    if (empty !== undefined) return empty
    if (isBodiless(visit.request.method)) return charge(visit, noEvents())
    const received = bodies.receive(visit)
    return received instanceof Promise
      ? received.then((value) => judge(afterWait(visit), value))
      : judge(visit, received)
  }

  /** Step 11: the events. */
  function judge(visit: Visit, received: Received): Awaitable<Verdict> {
    visit.received = received
    if (!received.ok) return charges.refuseLate(visit, received.reason)
    const checked = judgeEvents(visit, received.value)
    if (!checked.ok) return charges.refuseLate(visit, checked.reason, { rejected: checked.rejected })
    return charge(visit, checked)
  }

  /** Step 12: what they cost. */
  function charge(visit: Visit, checked: CheckedEvents): Awaitable<Verdict> {
    visit.checked = checked
    const charged = charges.charge(visit, checked)
    return charged instanceof Promise
      ? charged.then((value) => pass(afterWait(visit), value))
      : pass(visit, charged)
  }

  /** Step 13: whether all that still holds. */
  function pass(visit: Visit, charged: Charged): Awaitable<Verdict> {
    return charges.refuseCharge(visit, charged) ?? passGate(visit, visit.checked as CheckedEvents, charged)
  }

  return {
    run,
    fail(visit, error) {
      charges.giveBack(visit)
      return refusals.refuseFailed(visit, error)
    },
    end: bodies.release,
  }
}

function createSteps(options: SequenceOptions) {
  const report = createDecisionReport(options)
  const refusals = createRefusals(options, report)
  const client = createClientOf(options.clientAddress)
  const checkTarget = createTargetCheck(options.eventTypes, refusals, report)
  const bodies = createBodyStep(options, client)
  const credentials = createCredentialStep(options, bodies, refusals)
  const keys = createKeyStep(options, client, refusals)
  const senders = createSenderRules(options, client, refusals, report)
  const judgeEvents = createEventRules(options)
  const charges = createChargeStep(options, client, refusals)

  /** Steps 6 to 8: whether the key is good, and may be used from here. */
  function refuseKey(visit: Visit, found: Lookup<CompiledKey>): Refused | undefined {
    return keys.refuseKey(visit, found) ?? senders.refuseSender(visit, visit.key as CompiledKey)
  }

  const again = { refuseKey, judgeEvents }
  const settlements = createSettlements(options, report, refusals, charges, options.underWay)
  const innerGuard = createInnerGuard(options, checkTarget, again, refusals, settlements)
  const accept = createAcceptance(report, innerGuard, settlements, createTrial(options, client))
  const passGate = createGate(options, again, charges, refusals, accept, createHandlerTurns())
  return {
    refusals,
    checkTarget,
    bodies,
    credentials,
    keys,
    senders,
    refuseKey,
    judgeEvents,
    charges,
    passGate,
  }
}

/** While a step waits the key may change: the gate asks again. */
function afterWait(visit: Visit): Visit {
  visit.waited = true
  return visit
}
