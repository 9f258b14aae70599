import type { Operation } from './operation.ts'

/** The path of an operation in the router's syntax. */
export function routePath(basePath: string, { path }: Operation): string {
  return basePath + path.replace(/\{(\w+)\}/g, ':$1')
}

/** The methods that operations accept at a path. */
export function allowedMethods(operations: readonly Operation[], basePath: string, path: string): string[] {
  const segments = trimSlash(path).split('/')
  const methods = operations
    .filter((operation) => {
      const pattern = (basePath + operation.path).split('/')
      return (
        pattern.length === segments.length &&
        pattern.every((part, index) => part.startsWith('{') || part === segments[index])
      )
    })
    .flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
  return [...new Set(methods)]
}

function trimSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}
