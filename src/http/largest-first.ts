/** Something that holds bytes which can be taken from it. */
export interface Holder {
  readable: number
  /** Where it stands in its heap. */
  place: number
}

/** Knows the largest of some holders: a binary heap in which each holder knows its place. */
export interface LargestFirst<Member extends Holder> {
  largest(): Member | undefined
  add(member: Member): void
  /** Call it after `readable` has changed. */
  moved(member: Member): void
  remove(member: Member): void
}

export function createLargestFirst<Member extends Holder>(): LargestFirst<Member> {
  const heap: Member[] = []

  function put(member: Member, place: number): void {
    heap[place] = member
    member.place = place
  }

  function rise(member: Member): void {
    let { place } = member
    while (place > 0) {
      const above = (place - 1) >> 1
      const parent = heap[above] as Member
      if (parent.readable >= member.readable) break
      put(parent, place)
      place = above
    }
    put(member, place)
  }

  function sink(member: Member): void {
    let { place } = member
    for (;;) {
      let below = 2 * place + 1
      const right = heap[below + 1]
      if (right !== undefined && right.readable > (heap[below] as Member).readable) below++
      const child = heap[below]
      if (child === undefined || child.readable <= member.readable) break
      put(child, place)
      place = below
    }
    put(member, place)
  }

  function moved(member: Member): void {
    rise(member)
    sink(member)
  }

  return {
    largest: () => heap[0],
    add(member) {
      member.place = heap.length
      heap.push(member)
      moved(member)
    },
    moved,
    remove(member) {
      const last = heap.pop() as Member
      if (last === member) return
      put(last, member.place)
      moved(last)
    },
  }
}
