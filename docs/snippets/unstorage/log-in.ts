import type { UnstorageDriver } from 'pgstash/unstorage'

/** Lets five attempts a minute through, however many arrive at once. */
export async function mayLogIn(driver: UnstorageDriver, address: string): Promise<boolean> {
  const { allowed } = await driver.getInstance().limit(`login:${address}`, { limit: 5, period: '1m' })
  return allowed
}
