import type { EventEmitter } from 'node:events'
import { sharedByCopies } from '../runtime/shared-by-copies.ts'

/** A listener that tells a server to leave `100 Continue` to its guards: the same one for all copies. */
const leaveToGuard = /* @__PURE__ */ sharedByCopies('leaveToGuard', () => function leaveToGuard(): void {})

/**
 * Has a server leave `100 Continue` to its guards. To be called for each.
 * @returns whether somebody behind this guard answers clients that wait: another guard, or the application
 */
export function takeContinue(server: EventEmitter): () => boolean {
  if (server.listeners('checkContinue').includes(leaveToGuard)) return () => true
  server.on('checkContinue', leaveToGuard)
  return () => server.listeners('checkContinue').some((listener) => listener !== leaveToGuard)
}
