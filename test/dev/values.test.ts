import { neon } from '@neondatabase/serverless'
import pg from 'pg'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import type { LocalNeon } from '../../src/dev/index.ts'
import { KINDS, query, send, start, startKind } from './endpoint.ts'

/** A type and values of it, as Postgres writes them or accepts them. */
const VALUES: readonly (readonly [type: string, ...texts: string[]])[] = [
  ['bool', 't', 'f'],
  ['int2', '-32768', '32767'],
  ['int4', '-2147483648', '0'],
  ['int8', '9007199254740993', '-9223372036854775808'],
  ['float4', '1.5', 'NaN', '-Infinity', '3.4028235e+38'],
  ['float8', '0.1', '1e-300', 'Infinity', '5e-324', '-0'],
  ['numeric', '0.10', 'NaN', '123456789012345678901234567890.123456789'],
  ['numeric(10,2)', '1.005'],
  ['money', '12.34'],
  ['text', '', 'NULL', 'ünï¢ødé 😀 \u2028', '{"a":1}', "it's\n\\x00\t"],
  ['varchar(5)', 'abc'],
  ['bpchar', 'abc  '],
  ['char(5)', 'ab'],
  ['"char"', 'x'],
  ['name', 'Name'],
  ['bytea', '\\x00ff10', '\\x', '\\xdeadbeef'],
  ['json', '{"a": 1,  "a": 2}', '[1, "x", null]', '"5"', 'null', '123456789012345678901234567890'],
  ['jsonb', '{"b": 1, "a": [true, null]}', '"text"', '1.10', 'true'],
  ['jsonpath', '$."a"[*]'],
  ['xml', '<a>1</a>'],
  ['date', '2024-02-29', 'infinity', '0044-03-15 BC', '9999-12-31'],
  ['time', '23:59:59.999999', '24:00:00'],
  ['timetz', '12:00:00+05:30'],
  ['timestamp', '2024-02-29 12:34:56.789012', '-infinity'],
  ['timestamptz', '2024-02-29 12:34:56.789012+02', 'infinity', '1900-01-01 00:00:00+00:19:32'],
  ['interval', '1 year 2 mons -3 days 04:05:06.789', '-1 day', '00:00:00'],
  ['uuid', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
  ['inet', '192.168.0.1/24', '::1'],
  ['cidr', '10.0.0.0/8'],
  ['macaddr', '08:00:2b:01:02:03'],
  ['macaddr8', '08:00:2b:01:02:03:04:05'],
  ['bit(3)', '101'],
  ['varbit', '10101'],
  ['point', '(1.5,-2)'],
  ['line', '{1,2,3}'],
  ['lseg', '[(0,0),(1,1)]'],
  ['box', '(1,1),(0,0)'],
  ['path', '((0,0),(1,1))'],
  ['polygon', '((0,0),(1,1),(1,0))'],
  ['circle', '<(0,0),2>'],
  ['int4range', '[1,5)', 'empty'],
  ['numrange', '(,1.5]'],
  ['tstzrange', '["2024-01-01 00:00:00+00","2024-01-02 00:00:00+00")'],
  ['int4multirange', '{[1,3),[5,8)}'],
  ['tsvector', "'cat':3 'fat':2A"],
  ['tsquery', "'fat' & 'cat'"],
  ['pg_lsn', '16/B374D848'],
  ['oid', '4294967295'],
  ['regtype', 'integer'],
  ['regclass', 'pg_class'],
  ['int4[]', '{1,NULL,3}', '{}', '{{1,2},{3,4}}', '[0:1]={5,6}'],
  ['int8[]', '{9007199254740993}'],
  ['text[]', '{a,"b c","say \\"hi\\"","NULL",NULL,"back\\\\slash","{}",""}'],
  ['bool[]', '{t,f,NULL}'],
  ['float8[]', '{1.5,NaN,Infinity}'],
  ['numeric[]', '{1.10,2}'],
  ['jsonb[]', '{"{\\"a\\": 1}",NULL}'],
  ['bytea[]', '{"\\\\x00ff"}'],
  ['timestamptz[]', '{"2024-01-01 00:00:00+00"}'],
  ['date[]', '{2024-01-01}'],
  ['uuid[]', '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'],
  ['interval[]', '{"1 day"}'],
  ['point[]', '{"(1,2)"}'],
]

const CASES = VALUES.flatMap(([type, ...texts]) => texts.map((text) => [type, text] as const))

/** Buffers and intervals are of other classes in the two drivers: compare what they hold. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (value instanceof Date || typeof value === 'number' || value === null) return value
  if (Array.isArray(value)) return value.map(plain)
  return typeof value === 'object' ? { ...value } : value
}

describe.each(KINDS)('values from %s', (kind) => {
  let local: LocalNeon
  let reference: pg.Client

  beforeAll(async () => {
    local = await startKind(kind)
    // A real server keeps its own time zone. PGlite gets that of Neon.
    const options = kind === 'PGlite' ? '-c timezone=GMT' : ''
    reference = new pg.Client({ connectionString: inject('databaseUrl'), options })
    await reference.connect()
    return () => reference.end()
  })

  const raw = { getTypeParser: () => (text: string) => text }

  it.each(CASES)('have the form that a server sends: %s %s', async (type, text) => {
    const statement = `select $1::${type} as value, array[$1::${type}] as list, null::${type} as nothing`
    const isArray = type.endsWith('[]')
    const sql = isArray ? `select $1::${type} as value, null::${type} as nothing` : statement
    const expected = await reference.query({ text: sql, values: [text], rowMode: 'array', types: raw })
    const answer = await query(local, sql, [text])
    expect(answer.status, answer.text).toBe(200)
    expect(answer.json.rows).toEqual(expected.rows)
    expect(answer.json.fields).toEqual(expected.fields.map((field) => ({ ...field, format: 'text' })))
    expect(answer.json).toMatchObject({ command: 'SELECT', rowCount: 1, rowAsArray: true })
  })

  it.each(CASES)('are parsed by the driver as pg parses them: %s %s', async (type, text) => {
    const sql = `select $1::${type} as value, null::${type} as nothing`
    const expected = await reference.query(sql, [text])
    const rows = await neon(local.connectionString).query(sql, [text])
    expect(rows.map((row) => plain(Object.values(row)))).toEqual(expected.rows.map((row) => plain(Object.values(row))))
  })

  it('do not depend on settings for dates, intervals or bytes', async () => {
    const names = ['DateStyle', 'IntervalStyle', 'bytea_output', 'extra_float_digits', 'search_path', 'server_encoding']
    const sql = `select ${names.map((name) => `current_setting('${name}')`).join(', ')}`
    const expected = await reference.query({ text: sql, rowMode: 'array' })
    expect((await query(local, sql)).json.rows).toEqual(expected.rows)
  })

  it('can be ten megabytes long in both directions', async () => {
    const text = 'ä€😀\\"\n'.repeat(1_000_000)
    const rows = await neon(local.connectionString)`select ${text}::text as text, length(${text}) as length`
    expect(rows[0]?.text === text).toBe(true)
    expect(rows[0]?.length).toBe(6_000_000)
  })

  it('can be a Date, a Buffer, an array or an object, which the driver turns into text', async () => {
    const sql = neon(local.connectionString)
    const date = new Date('2024-02-29T12:34:56.789Z')
    const rows = await sql`select ${date}::timestamptz as date, ${Buffer.from([0, 255])}::bytea as bytes,
      ${['a', null, 'b"\\']}::text[] as list, ${{ a: [1] }}::jsonb as object, ${true}::bool as bool, ${1.5}::float8 as number`
    expect(rows[0]).toMatchObject({ date, list: ['a', null, 'b"\\'], object: { a: [1] }, bool: true, number: 1.5 })
    expect(Buffer.from(rows[0]?.bytes)).toEqual(Buffer.from([0, 255]))
  })

  it('are reported as unknown if their type is not built in, like Neon does', async () => {
    await query(local, "create type mood as enum ('fine')")
    const answer = await query(local, "select 'fine'::mood as mood")
    expect(answer.json.fields[0]).toMatchObject({ name: 'mood', dataTypeID: 705 })
    expect(answer.json.rows).toEqual([['fine']])
  })

  it('are JSON if the client did not ask for raw text', async () => {
    const sql = `select true as a, 7::int2 as b, 7::int8 as c, 1.5::float8 as d, 'NaN'::float4 as e, 1.10::numeric as f,
      '{"x": 123456789012345678901}'::jsonb as g, '{1,NULL,3}'::int4[] as h, '{{t,f},{f,t}}'::bool[] as i,
      '{"a,b","q\\"","NULL",NULL}'::text[] as j, '{}'::int4[] as k, '{"{\\"y\\": 1}"}'::jsonb[] as l, null::int4 as m,
      '[0:1]={5,6}'::int4[] as n, '2024-01-01'::date as o, '{NaN,1}'::float8[] as p`
    const answer = await query(local, sql, [], {
      headers: { 'neon-raw-text-output': 'false', 'neon-array-mode': undefined },
    })
    expect(answer.text).toContain('"g":{"x": 123456789012345678901}')
    expect(answer.json.rowAsArray).toBe(false)
    expect(answer.json.rows[0]).toMatchObject({
      ...{ a: true, b: 7, c: '7', d: 1.5, e: 'NaN', f: '1.10', h: [1, null, 3] },
      ...{
        i: [
          [true, false],
          [false, true],
        ],
        j: ['a,b', 'q"', 'NULL', null],
        k: [],
        l: [{ y: 1 }],
        m: null,
      },
      ...{ n: [5, 6], o: '2024-01-01', p: ['NaN', 1] },
    })
  })

  it('have a known type for every built-in array', async () => {
    const sql =
      "select typname, oid from pg_type where typcategory = 'A' and typelem <> 0 and oid < 12000 and typlen = -1"
    const { rows } = await reference.query<{ typname: string; oid: number }>(`${sql} and typname like '\\_%'`)
    const options = { headers: { 'neon-raw-text-output': 'false' } }
    for (const { typname, oid } of rows) {
      if (oid >= 10_000) continue
      const answer = await query(local, `select '{}'::"${typname}"`, [], options)
      if (answer.status === 200) expect(answer.json.rows, typname).toEqual([[[]]])
    }
    expect(rows.length).toBeGreaterThan(60)
  })
})

describe('parameters sent as JSON', () => {
  it.each([
    [true, 'true'],
    [null, null],
    ['text"', 'text"'],
    [[1, null, 'a"b', [true]], '{1,NULL,"a\\"b",{true}}'],
    [[{ a: 1 }], '{"{\\"a\\":1}"}'],
    [{ a: [1, '2'] }, '{"a":[1,"2"]}'],
  ])('become the text that Neon makes of them: %j', async (param, expected) => {
    const local = await pglite()
    expect((await query(local, 'select $1::text', [param])).json.rows).toEqual([[expected]])
  })

  it('keep every digit of a number', async () => {
    const local = await pglite()
    const body =
      '{"query":"select $1::text, $2::text, $3::text, $4::text","params":[9007199254740993, 1.5, 1e300, {"a":[18446744073709551615]}]}'
    const answer = await send(local, { body })
    expect(answer.json.rows).toEqual([['9007199254740993', '1.5', '1e300', '{"a":[18446744073709551615]}']])
  })
})

let shared: Promise<LocalNeon> | undefined
function pglite(): Promise<LocalNeon> {
  shared ??= start()
  return shared
}
