export { type StoreHarness, storeContract } from './store-contract.ts'
export { createKeyRecord } from './stored-key.ts'
export type { Expectation, TestTools } from './test-tools.ts'
