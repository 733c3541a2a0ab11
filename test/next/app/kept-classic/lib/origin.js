/** Counts its calls outside of this program, so that nothing is dynamic because of it. */
export function compute(name) {
  return `${name} ${crypto.randomUUID()}`
}
