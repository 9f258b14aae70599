import { closeSync, linkSync, openSync, realpathSync, renameSync, statSync, unlinkSync } from 'node:fs'

/** The identity of a file, whatever its name: device and inode. */
export type FileIdentity = string

/** The file at the path, through symbolic links; undefined when there is none. */
export function identifyFile(path: string): FileIdentity | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false })
  return found && `${found.dev}:${found.ino}`
}

/**
 * Makes an empty file when there is none. One that is there is not opened: to close it again would end all locks
 * that this process has on it, so that another process could remove the log under those who read it.
 */
export function makeFile(path: string): FileIdentity | undefined {
  try {
    closeSync(openSync(path, 'wx'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  return identifyFile(path)
}

/** SQLite looks for the log beside the file that links lead to. */
function logPath(path: string): string {
  return `${realpathSync(path)}-wal`
}

/** The write-ahead log of the file at the path. */
export function identifyLog(path: string): FileIdentity | undefined {
  return identifyFile(logPath(path))
}

/**
 * Removes the log at the path and its index, if it is this one. Another process may have opened the new file
 * at the same moment and begun its own log: that one is put back.
 */
export function removeLog(path: string, log: FileIdentity): void {
  const name = logPath(path)
  if (identifyFile(name) !== log) return
  const taken = `${name}-${process.pid}`
  try {
    renameSync(name, taken)
    if (identifyFile(taken) === log) removeIfThere(name.replace(/-wal$/, '-shm'))
    else linkSync(taken, name)
    unlinkSync(taken)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
