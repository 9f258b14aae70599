export { storeContract } from './store-contract.ts'
export type { StoreHarness } from './store-harness.ts'
export { createKeyRecord } from './stored-key.ts'
export type { Expectation, TestTools } from './test-tools.ts'
