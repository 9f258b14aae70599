/** Properties draw other cases in each run, but the same ones where `PROPERTY_SEED` says so: `.ci/run` does. */
const seed = Number(process.env.PROPERTY_SEED)
if (seed > 0) {
  const { default: fc } = await import('fast-check')
  fc.configureGlobal({ ...fc.readConfigureGlobal(), seed })
}

export {}
