import { assertNotFailed } from '../http/failed-request.ts'
import { asIngestRequest } from '../http/header-fields.ts'
import type { IngestRequestInit } from '../http/ingest-request.ts'
import type { Awaitable } from '../runtime/awaitable.ts'
import { answerPreflight } from './cors.ts'
import type { Reading } from './reading.ts'
import { createSequence, type SequenceOptions } from './sequence.ts'
import { withCarriedKey } from './steps/carried.ts'
import type { UnderWay } from './under-way.ts'
import type { PreflightReply, Verdict } from './verdict.ts'
import { createEmptyVisit, createVisit, type Visit } from './visit.ts'

export interface Verifier {
  /** The answer to a CORS preflight; undefined for every other request. Never throws. */
  preflight(request: IngestRequestInit): PreflightReply | undefined
  /** Never throws or rejects: what goes wrong is a refusal. */
  verify(request: IngestRequestInit): Awaitable<Verdict>
}

export interface VerifierOptions extends SequenceOptions, Reading {
  underWay: SequenceOptions['underWay'] & Pick<UnderWay, 'enter' | 'leave'>
}

/**
 * Takes requests through the sequence of checks (`sequence.ts`), and turns whatever is thrown there into a
 * refusal.
 */
export function createVerifier(options: VerifierOptions): Verifier {
  const { run, fail, end } = createSequence(options)
  const { measure, underWay } = options

  /** @param startedAt 0 when it is not timed. */
  function finish(visit: Visit, verdict: Verdict, startedAt: number): Verdict {
    end(visit)
    if (startedAt !== 0) measure.meter?.ended(startedAt, verdict.ok)
    try {
      return withCarriedKey(visit, verdict)
    } catch (error) {
      // What made the checks fail may throw again.
      return hasFailed(verdict) ? verdict : fail(visit, error)
    }
  }

  function finishLater(visit: Visit, verdict: Promise<Verdict>, startedAt: number): Promise<Verdict> {
    underWay.enter()
    return verdict.then(
      (value) => {
        underWay.leave()
        return finish(visit, value, startedAt)
      },
      (error: unknown) => {
        underWay.leave()
        return finish(visit, fail(visit, error), startedAt)
      },
    )
  }

  return {
    preflight(request) {
      try {
        return answerPreflight(request, options)
      } catch {
        // Not a request at all; `verify` refuses it.
        return undefined
      }
    },
    verify(request) {
      let visit: Visit | undefined
      let startedAt = 0
      try {
        const preflight = answerPreflight(request, options)
        if (preflight !== undefined) {
          const { carried, ...reply } = preflight
          return { ok: false, reason: 'preflight', reply, carried }
        }
        // Nobody may get to wait for it: its rejection would end the process.
        if (request.body instanceof Promise) request.body.catch(() => {})
        startedAt = measure.meter?.begin() ?? 0
        visit = createVisit(asIngestRequest(request), options)
        assertNotFailed(visit.request)
        const verdict = run(visit)
        return verdict instanceof Promise
          ? finishLater(visit, verdict, startedAt)
          : finish(visit, verdict, startedAt)
      } catch (error) {
        const failed = visit ?? createEmptyVisit(request, options)
        return finish(failed, fail(failed, error), startedAt)
      }
    },
  }
}

function hasFailed(verdict: Verdict): boolean {
  return !verdict.ok && (verdict.reason === 'internal_error' || verdict.reason === 'store_unavailable')
}
