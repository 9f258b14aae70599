import type { Activity } from '../watch/activity.ts'
import type { RecentDecision } from '../watch/recent-decision.ts'

/**
 * Traffic for a caller who may see only some keys. Requests without a known key are left out. The number of
 * omitted decisions is not shown, because most belong to others.
 *
 * @param ownIds the keys as they are now
 * @param assertOwn rejects for a key that is not among them; called once for each key made since
 */
export function limitActivity(
  activity: Activity,
  ownIds: Set<string>,
  assertOwn: (id: string) => Promise<unknown>,
): Omit<Activity, 'anomalies'> {
  const foreignIds = new Set<string>()

  async function isOwn(keyId: string): Promise<boolean> {
    try {
      await assertOwn(keyId)
      ownIds.add(keyId)
      return true
    } catch {
      if (foreignIds.size >= maxForeign) foreignIds.clear()
      foreignIds.add(keyId)
      return false
    }
  }

  const wanted = (keyIds: readonly string[] | undefined) =>
    keyIds === undefined ? [...ownIds] : keyIds.filter((id) => ownIds.has(id))

  const isVisible = ({ keyId }: RecentDecision) => keyId !== null && ownIds.has(keyId)

  return {
    scope: activity.scope,
    processName: activity.processName,
    refresh: () => activity.refresh(),
    decisions: {
      list(filter, limit = Number.POSITIVE_INFINITY) {
        const found = activity.decisions.list(filter).filter(isVisible)
        return limit < found.length ? found.slice(found.length - limit) : found
      },
      latestId: () => activity.decisions.latestId(),
      subscribe(listener, onClose) {
        return activity.decisions.subscribe((decision) => {
          const { keyId } = decision
          if (keyId === null || foreignIds.has(keyId)) return
          if (ownIds.has(keyId)) return listener(decision)
          isOwn(keyId).then((own) => own && listener(decision))
        }, onClose)
      },
    },
    listAnomalies: (query = {}) => activity.listAnomalies({ ...query, keyIds: wanted(query.keyIds) }),
    listProblems: (query = {}) => activity.listProblems({ ...query, keyIds: wanted(query.keyIds) }),
  }
}

const maxForeign = 10_000
