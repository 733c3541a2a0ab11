/**
 * SQL: the identity of the database cluster, as text; null where the role may not ask for it.
 *
 * As a text that is run only then: Postgres checks the right to call a function before it looks at any condition.
 */
export const CLUSTER_IDENTITY = `case
    when has_function_privilege(to_regprocedure('pg_catalog.pg_control_system()'), 'execute') then substring(
      query_to_xml('select system_identifier from pg_catalog.pg_control_system()', true, false, '')::text
      from '<system_identifier>([0-9]+)')
  end`
