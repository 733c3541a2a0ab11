import { asCached, type Cache, cached } from 'pgstash'

export class Rates {
  constructor(
    readonly cache: Cache,
    readonly fetchRate: (currency: string) => Promise<number>,
  ) {}

  @cached({ cache: (self: Rates) => self.cache, key: 'rates', expiration: '1m' })
  async of(currency: string): Promise<number> {
    return this.fetchRate(currency)
  }

  async correct(currency: string): Promise<void> {
    await asCached(this.of).invalidate(currency)
  }
}
