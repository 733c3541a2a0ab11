import fc from 'fast-check'
import { addressKey } from 'pgstash/fetch'
import { describe, expect, it } from 'vitest'

describe('the key of an address', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['255.255.255.255', '255.255.255.255'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002:0000::', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['1:2:3:4:5:6:7::', '1:2:3:4::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:201', '192.0.2.1'],
    ['::ffff:0:1', '0.0.0.1'],
  ])('for %s is %s', (address, key) => {
    expect(addressKey(address)).toBe(key)
  })

  it('is equal for all addresses of a customer, in any spelling', () => {
    const group = fc.integer({ min: 0, max: 0xffff })
    const groups = fc.array(group, { minLength: 8, maxLength: 8 }).filter((found) => found[0] !== 0)
    fc.assert(
      fc.property(groups, fc.array(group, { minLength: 4, maxLength: 4 }), (address, other) => {
        const plain = address.map((each) => each.toString(16)).join(':')
        const padded = address.map((each) => each.toString(16).padStart(4, '0').toUpperCase()).join(':')
        const neighbour = [...address.slice(0, 4), ...other].map((each) => each.toString(16)).join(':')
        expect(addressKey(padded)).toBe(addressKey(plain))
        expect(addressKey(neighbour)).toBe(addressKey(plain))
      }),
    )
  })

  it.each([
    undefined,
    null,
    '',
    'unknown',
    '192.0.2',
    '192.0.2.256',
    '192.0.2.01',
    '192.0.2.1.',
    '192.0.2.1:80',
    '192.0.2.1, 198.51.100.1',
    '[::1]',
    ':::',
    '1:2:3',
    '2001:db8::1 ',
    '::1]/[',
    '0x7f.1',
  ])('is refused for a value that is not an address: %o', (address) => {
    const key = () => addressKey(address)
    expect(key).toThrow(expect.objectContaining({ name: 'InvalidKeyError', code: 'INVALID_KEY' }))
    if (address) expect(key).toThrow(/^(?!.*192)/)
  })
})
