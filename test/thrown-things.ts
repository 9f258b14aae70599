type Things = Readonly<Record<string, () => unknown>>

/** What an application may throw, made anew for each request. None of it is an error. */
export const thrownThings: Things = {
  null: () => null,
  undefined: () => undefined,
  'a text': () => 'no',
  'a number': () => 404,
  'a symbol': () => Symbol('no'),
  'a function': () => () => 'no',
  'a frozen object': () => Object.freeze({ code: 'no', status: 404 }),
  'a frozen list': () => Object.freeze(['no']),
  'an object without prototype': () => Object.create(null),
  'a response': () => new Response('no', { status: 418 }),
  'a status that cannot be set': () => ({
    get status() {
      return 404
    },
  }),
  'a proxy that forbids to set': () =>
    new Proxy({ status: 404 }, { set: () => false, defineProperty: () => false }),
  'a hidden status that throws': () => Object.defineProperty({}, 'status', { get: fail }),
  'a text of its own that throws': () => ({ toString: fail, [Symbol.toPrimitive]: fail }),
}

/** Reading these throws. Most frameworks fail over them. */
export const unreadableThings: Things = {
  'an error whose status throws': () => Object.defineProperty(new Error('no'), 'status', { get: fail }),
  'an error whose message throws': () => Object.defineProperty(new Error('no'), 'message', { get: fail }),
  'a proxy that throws': () => new Proxy({}, { get: fail, set: fail, has: fail, getPrototypeOf: fail }),
  'a revoked proxy': () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    return proxy
  },
}

/** For getters and traps. */
function fail(): never {
  throw new Error('a getter failed')
}
