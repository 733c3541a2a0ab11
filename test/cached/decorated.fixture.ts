/** A test compiles this with TypeScript. It imports nothing, so it runs anywhere. */
type Method<This, Args extends unknown[], T> = (this: This, ...args: Args) => Promise<T>
type Decorator = <This, Args extends unknown[], T>(
  method: Method<This, Args, T>,
  context: ClassMethodDecoratorContext<This, Method<This, Args, T>>,
) => Method<This, Args, T>

export function decorate<Cache>(cached: (options: { cache: Cache }) => Decorator, cache: Cache) {
  return class Counter {
    count = 0
    @cached({ cache })
    async next() {
      return ++this.count
    }
    @cached({ cache })
    static async all() {
      return 'all'
    }
  }
}
