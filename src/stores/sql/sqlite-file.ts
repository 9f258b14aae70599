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

/** What the stores of this process have open: each file, and its write-ahead log. The identity of an open log is given to no other. */
const openFiles = new Map<object, { file: FileIdentity; log: FileIdentity | undefined }>()

/** The file at the path was opened, and read. */
export function remember(opened: object, path: string, file: FileIdentity): void {
  openFiles.set(opened, { file, log: identifyFile(logPath(path)) })
}

export function forget(opened: object): void {
  openFiles.delete(opened)
}

/**
 * Removes the log of a file that was at the path before. It would be taken for the new file's log, and its pages be read
 * as that file's and written over it. Whoever is first to open the new file may not have seen the old one: the other
 * stores of the process know its log.
 */
export function removeForeignLog(path: string): void {
  const file = identifyFile(path)
  const log = file && identifyFile(logPath(path))
  if (log === undefined) return
  const owners = [...openFiles.values()].filter((open) => open.log === log)
  if (owners.length > 0 && owners.every((owner) => owner.file !== file)) removeLog(path, log)
}

/**
 * Removes the log at the path and its index, if it is this one. Another process may have opened the new file
 * at the same moment and begun its own log: that one is put back.
 */
function removeLog(path: string, log: FileIdentity): void {
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
