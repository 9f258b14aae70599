/** What is computed for whoever asks, from a state that is kept with the object. */
export interface Computed<State> {
  get(state: State): unknown
  /** @param holder the object that the property was defined on, or one that inherits from it */
  set(state: State, value: unknown, holder: object): void
}

/**
 * Defines a property with the same two functions on many objects. V8 keeps the functions of a property with the
 * hidden class of its object, which lives until the next full collection. Closures for each request would keep
 * the request as long, and every young collection until then would copy it.
 *
 * @returns what puts the property on an object
 */
export function computedProperty<State>(
  name: string,
  { get, set }: Computed<State>,
): (holder: object, state: State) => void {
  const stateOf = Symbol(`state of ${name}`)
  type Holder = { [stateOf]: State }
  const property: PropertyDescriptor = {
    configurable: true,
    enumerable: true,
    get(this: Holder) {
      return get(this[stateOf])
    },
    set(this: Holder, value: unknown) {
      set(this[stateOf], value, this)
    },
  }
  return (holder, state) => {
    // Copies of the object get the value alone.
    Object.defineProperty(holder, stateOf, {
      configurable: true,
      enumerable: false,
      writable: true,
      value: state,
    })
    Object.defineProperty(holder, name, property)
  }
}
