/** Long lists joined without `push(...items)`: what is spread becomes arguments, and they fill the stack. */

export function append<T>(list: T[], items: Iterable<T>): void {
  for (const item of items) list.push(item)
}
