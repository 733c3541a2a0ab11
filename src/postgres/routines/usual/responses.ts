/** Cheaper statements for hits of the response cache, which write nothing and claim nothing. */
import { isLive } from '../../../schema/conditions.ts'
import { type Sql, sql } from '../../../schema/sql.ts'
import type { TableNames } from '../../../schema/table-names.ts'
import type { Build, Operation } from '../../operation.ts'
import { cte } from '../../operation.ts'
import { param } from '../../operations/fragments.ts'
import { isNotDue } from '../../operations/slide.ts'
import {
  FOUND,
  isSelected,
  NO_NAMES,
  readResponse,
  responseColumns,
  selectNeed,
  UNCLAIMED,
  variantSteps,
} from '../../responses/read-response.ts'
import { type UsualCases, usualCases } from './usual-cases.ts'

type Response = typeof readResponse extends Operation<infer Row> ? Row : never

/** Selects the request's response if it is fresh and its deadline need not move. */
function selectFreshResponse(tables: TableNames): Sql {
  return sql`
    select ${responseColumns(tables)}, 'live' as state
    from ${tables.entries} where ${isSelected(tables)} and ${isHit(tables)}`
}

/**
 * The same for a URL whose responses vary on nothing. The URL's row is the response, so one look-up is enough instead
 * of two.
 */
function selectOnlyResponse(tables: TableNames): Sql {
  const { entries } = tables
  const { key, meta } = entries
  return sql`
    select found.*, 'live' as state, found.meta -> 'vary' as names
    from (
      select ${responseColumns(tables)} from ${entries}
      where ${key} = ${param('base')} and ${meta} is not null and ${isHit(tables)}
      offset 0
    ) as found
    where found.meta ? 'status' and jsonb_array_length(coalesce(found.meta -> 'vary', ${NO_NAMES})) = 0`
}

/** True for a fresh response whose row need not be written, and whose lease the request does not want. */
function isHit(tables: TableNames): Sql {
  return sql`${isLive(tables)} and (not ${tables.entries.meta}::jsonb ? 'sliding' or ${isNotDue(tables)})
    and not (${param('claims', 'boolean')} and ${param('force', 'boolean')})`
}

const onlyResponse: Build<Response> = (tables) => {
  const found = cte('found')`${selectOnlyResponse(tables)}`
  const need = cte('need')`${selectNeed}`
  const own = { ...FOUND, key: param('base'), names: sql`found.names` }
  return { with: [found, need], select: { ...own, ...UNCLAIMED }, from: sql`found, need` }
}

const freshVariant: Build<Response> = (tables) => {
  const { known, variant } = variantSteps(tables)
  const found = cte('found')`${selectFreshResponse(tables)}`
  const need = cte('need')`${selectNeed}`
  return { with: [known, variant, found, need], select: { ...FOUND, ...UNCLAIMED }, from: sql`variant, found, need` }
}

export const usualResponses: readonly UsualCases[] = [usualCases(readResponse, onlyResponse, freshVariant)]
