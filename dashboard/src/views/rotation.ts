import { useState } from 'preact/hooks'
import { newerVersion } from '../api/newer-version.ts'
import type { RotatedKey, WriteKey } from '../api/wire.ts'
import { useTask } from '../parts/task.ts'
import { useApi } from '../session.ts'
import { currentSecret } from '../words/key-status.ts'

/**
 * Rotates a key as it was when this began. If its secret is another one by now, nothing is rotated before somebody has
 * read that: an earlier attempt may have gone through, with its answer lost.
 */
export function useRotation(opened: WriteKey, onRotated: (answer: RotatedKey) => void) {
  const api = useApi()
  const [base, setBase] = useState(opened)
  return useTask(async (graceHours: number) => rotate(base, graceHours))

  async function rotate(key: WriteKey, graceHours: number): Promise<void> {
    try {
      onRotated(await api.rotateKey(key.id, graceHours, key.version))
    } catch (error) {
      const latest = await newerVersion(api, key, error)
      setBase(latest)
      const secret = currentSecret(latest)
      // Changes of rules do not matter here.
      if (secret?.id === currentSecret(key)?.id) return rotate(latest, graceHours)
      throw new Error(
        `The key was rotated meanwhile, to the secret ${secret?.start}…: by somebody else, or by an attempt whose answer got lost, and then nobody can show that secret again. Rotate again if you want another one.`,
      )
    }
  }
}
