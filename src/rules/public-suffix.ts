/**
 * Whether unrelated parties can get names directly below this host, so that a wildcard on it would let them
 * all in.
 */
export type IsPublicSuffix = (host: string) => boolean

/**
 * Hosting services that put regions or products between themselves and the customer: no wildcard below them
 * is safe.
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
 * Loads the Public Suffix List, with the names that hosting services have added to it. The list is larger
 * than the rest of the package and only needed to save a rule, so it is loaded on demand. The returned
 * function takes lower-case ASCII host names.
 *
 * Source: publicsuffix.org, by way of tldts.
 */
export async function loadPublicSuffixes(): Promise<IsPublicSuffix> {
  const { getPublicSuffix } = await import('tldts')
  const options = { allowPrivateDomains: true, extractHostname: false, validateHostname: false }
  return (host) =>
    getPublicSuffix(host, options) === host ||
    sharedTrees.some((tree) => host === tree || host.endsWith(`.${tree}`))
}
