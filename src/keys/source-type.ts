/** Where a key is used. A label, and with `serverKeysInBrowsers: 'deny'` a rule. */
export type SourceType = 'web' | 'mobile' | 'server' | 'other'

export const sourceTypes: readonly SourceType[] = ['web', 'mobile', 'server', 'other']
