/** Where a key is used. Only a label, except with `serverKeysInBrowsers: 'deny'`. */
export type SourceType = 'web' | 'mobile' | 'server' | 'other'

export const sourceTypes: readonly SourceType[] = ['web', 'mobile', 'server', 'other']
