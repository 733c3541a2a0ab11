/** The templates of statements. */

import { cacheTables } from 'pgstash/schema'
import { describe, expect, it } from 'vitest'
import { statementText } from '../../src/cli/statement-text.ts'
import { integer, text } from '../../src/postgres/kinds.ts'
import { cte, operation, statementSql } from '../../src/postgres/operation.ts'
import { join, mapPieces, numberParameters, placeholder, quoteName, quoteText, raw, sql } from '../../src/schema/sql.ts'
import { namesOf } from '../../src/schema/table-names.ts'

describe('parameters', () => {
  it('get one number for each name, in the order in which they first occur', () => {
    const statement = sql`select ${placeholder('b')}::text, ${placeholder('a')}::text, ${placeholder('b')}::text`
    expect(numberParameters(statement)).toEqual({ text: 'select $1::text, $2::text, $1::text', names: ['b', 'a'] })
  })

  it('continue after those of an earlier statement, as the statements of a routine share them', () => {
    const names = ['a']
    expect(numberParameters(sql`${placeholder('b')} ${placeholder('a')}`, names).text).toBe('$2 $1')
    expect(names).toEqual(['a', 'b'])
  })

  it('are found by their mark alone: dollar signs, colons and question marks stay', () => {
    const statement = sql`select '$1', ':a', a ? 'b', e'^x$', ${quoteName('$1 "$a" ?')}, ${quoteText("$a\\'$$ $&")}, ${placeholder('a')}`
    expect(numberParameters(statement)).toEqual({
      text: `select '$1', ':a', a ? 'b', e'^x$', "$1 ""$a"" ?", E'$a\\\\''$$ $&', $1`,
      names: ['a'],
    })
  })

  it('can be replaced by values that look like patterns or parameters', () => {
    const pieces = mapPieces(
      sql`${placeholder('a')}, ${placeholder('b')}`,
      (piece) => piece,
      (name) => ({ a: '$& $1 $$', b: '\u0000a\u0000' })[name] ?? '',
    )
    expect(pieces.join('')).toBe('$& $1 $$, \u0000a\u0000')
  })
})

describe('a statement as text', () => {
  it('has its values as constants', () => {
    const statement = sql`select ${placeholder('a')}, ${placeholder('b')}, ${placeholder('c')}`
    expect(statementText(statement, { a: "it's $1", b: null, c: 5 })).toBe("select 'it''s $1', null, 5")
  })

  it('is refused without a value for each parameter', () => {
    expect(() => statementText(sql`limit ${placeholder('batch')}`, {})).toThrow('Expected a value for batch.')
  })
})

describe('templates', () => {
  it('join pieces, numbers and lists', () => {
    expect(sql`${raw('a')} ${1} ${join([sql`b`, sql`c`])} ${join([sql`d`, sql`e`], ' or ')}${sql``}`.text).toBe(
      'a 1 b, c d or e',
    )
  })

  it('take no text and no value, which must be parameters', () => {
    // @ts-expect-error a text could come from a caller
    sql`select ${'text'}`
    // @ts-expect-error a value is a parameter
    sql`select ${new Date()}`
  })
})

describe('names of tables', () => {
  it('are quoted, and have their schema', () => {
    const { entries } = namesOf(cacheTables({ schema: 'a"b.c', prefix: '$1"' }))
    expect(entries.text).toBe('"a""b.c"."$1""cache_entries"')
    expect(entries.expiresAt.text).toBe('"a""b.c"."$1""cache_entries"."expires_at"')
    expect(entries.tableName).toBe('$1"cache_entries')
  })

  it('are those of the Drizzle tables, with all of their columns', () => {
    const tables = cacheTables({ schema: 's', prefix: 'p_' })
    const names = namesOf(tables)
    for (const table of ['entries', 'leases', 'invalidations', 'state', 'changes', 'history'] as const) {
      const columns = Object.entries<{ name: string }>(Object.fromEntries(columnsOf(tables[table])))
      const expected = columns.map(([key, { name }]) => [key, { text: `"s"."p_cache_${table}"."${name}"` }])
      expect(names[table]).toEqual({
        text: `"s"."p_cache_${table}"`,
        tableName: `p_cache_${table}`,
        ...Object.fromEntries(expected),
      })
    }
  })

  it('are made once for each object', () => {
    const tables = cacheTables()
    expect(namesOf(tables)).toBe(namesOf(tables))
    expect(namesOf(cacheTables())).not.toBe(namesOf(tables))
  })
})

/** A Drizzle table has its columns as properties, and symbols for everything else. */
function columnsOf(table: object): [string, { name: string }][] {
  return Object.entries(table).filter(([key]) => key !== 'enableRLS')
}

describe('a statement', () => {
  const counted = operation({
    name: 'counted',
    repeatable: 'always',
    rows: 'one',
    columns: { count: integer, name: text },
    build: ({ entries }) => ({
      with: [cte('found')`select from ${entries}`, cte('odd "name"')`select 1`],
      select: { name: sql`'a'`, count: sql`count(*)` },
      from: sql`found where true`,
    }),
  })

  it('has the cells of the declared columns in their order, as text, and the name of its operation', () => {
    expect(statementSql(counted.build(namesOf(cacheTables()))).text).toBe(
      `with "found" as (select from "cache_entries"), "odd ""name""" as (select 1) select (count(*))::bigint::text as "counted", 'a' from found where true`,
    )
  })
})
