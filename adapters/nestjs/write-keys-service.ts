import type { WriteKeys } from '../../src/index.ts'

/**
 * Injection token and type of the `WriteKeys` of this application.
 *
 * @example
 * ```ts
 * constructor(@Inject(WriteKeysService) private readonly keys: WriteKeysService) {}
 * ```
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: never instantiated; it stands for an object with these methods.
export abstract class WriteKeysService {}

/** The object behind the token. */
export interface WriteKeysService extends WriteKeys {}
