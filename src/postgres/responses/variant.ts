import { type Sql, sql } from '../../schema/sql.ts'
import { param } from '../operations/fragments.ts'

/**
 * Returns an expression for the key of the row that holds this request's variant. If the URL's responses vary on
 * nothing, it is the URL's key (the parameter `base`). Otherwise a digest follows. `variantKey` in `src/http` computes
 * the same digest.
 *
 * @param names an expression of a jsonb list: the fields that the URL's responses vary on
 */
export function variantRowKey(names: Sql): Sql {
  return sql`case
    when jsonb_array_length(${names}) = 0 then ${param('base')}
    else ${param('base')} || ' ' || (
      select encode(sha256(convert_to(string_agg(
        nominated.name || ':' || coalesce(${param('digests', 'jsonb')} ->> nominated.name, '-'), e'\n'
        order by nominated.name collate "C"), 'UTF8')), 'hex')
      from jsonb_array_elements_text(${names}) as nominated(name))
  end`
}
