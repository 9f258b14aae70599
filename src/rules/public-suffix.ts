/**
 * Whether unrelated parties get names directly below this host, so that a wildcard on it would let them all
 * in.
 */
export type IsPublicSuffix = (host: string) => boolean

/**
 * Hosting services that put regions or products between themselves and the customer: no name below them is
 * safe to span.
 */
const sharedTrees = [
  'amazonaws.com',
  'amazonaws.com.cn',
  'amplifyapp.com',
  'azurecontainerapps.io',
  'azurestaticapps.net',
  'cloudapp.azure.com',
  'cloudapp.net',
  'cloudworkstations.dev',
  'core.windows.net',
  'digitaloceanspaces.com',
  'elasticbeanstalk.com',
  'on.aws',
  'run.app',
]

/**
 * Loads the Public Suffix List, with the names that hosting services have added to it. Only saving a rule
 * needs it, and it is larger than all of the rest, so it is no part of the import. The answer takes
 * lower-case ASCII host names.
 *
 * Source: publicsuffix.org, by way of tldts.
 */
export async function loadPublicSuffixes(): Promise<IsPublicSuffix> {
  const { getPublicSuffix } = await import('tldts')
  const options = { allowPrivateDomains: true, extractHostname: false, validateHostname: false }
  return (host) =>
    !host.includes('.') ||
    getPublicSuffix(host, options) === host ||
    sharedTrees.some((tree) => host === tree || host.endsWith(`.${tree}`))
}
