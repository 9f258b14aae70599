import { HttpException } from '@nestjs/common'
import type { Reply } from '../../src/adapter/index.ts'
import type { Refused } from '../../src/index.ts'

/**
 * A refusal, thrown with `throwRefusals: true` for the app's own exception filters. Its response is the
 * problem body as an object. The headers of the reply, without `content-type`, are on the response already.
 * The reason is for logs only.
 */
export class WriteKeyException extends HttpException {
  readonly reason: Refused['reason']
  /** What would have been written. */
  readonly reply: Reply

  constructor(refused: Refused) {
    const { status, body } = refused.reply
    super(body === '' ? '' : JSON.parse(body), status)
    this.reason = refused.reason
    this.reply = refused.reply
  }
}
