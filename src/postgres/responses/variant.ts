import { type SQL, sql } from 'drizzle-orm'
import { param } from '../operations/fragments.ts'

/**
 * The key of the row that holds a URL's variant for this request: the URL's own (the parameter `base`) where its responses
 * vary on nothing, otherwise that and the digest which `variantKey` of `src/http` makes. The same text as there.
 *
 * @param names the fields that the URL's responses vary on: an expression, a jsonb list
 */
export function variantRowKey(names: SQL): SQL {
  return sql`case
    when jsonb_array_length(${names}) = 0 then ${param('base')}
    else ${param('base')} || ' ' || (
      select encode(sha256(convert_to(string_agg(
        nominated.name || ':' || coalesce(${param('digests', 'jsonb')} ->> nominated.name, '-'), e'\n'
        order by nominated.name collate "C"), 'UTF8')), 'hex')
      from jsonb_array_elements_text(${names}) as nominated(name))
  end`
}
