import { Logger } from '@nestjs/common'
import { createLineLogger } from '../../src/adapter/index.ts'

const nest = new Logger('WriteKeyModule')

/** Nest's own logger, as the application has set it up. */
export const nestLogger = createLineLogger({
  error: (line) => nest.error(line),
  warn: (line) => nest.warn(line),
})
