/** `Fields` that may each be left out. Being `undefined` is the same, also for callers with `exactOptionalPropertyTypes`. */
export type Optional<Fields> = { [Name in keyof Fields]?: Fields[Name] | undefined }
