/**
 * SQL: the identity of the database cluster, as text. Null if the role may not read it.
 *
 * The query is a text that runs only if the role may call the function. Written directly, the call would fail, because
 * Postgres checks this right before it evaluates any condition.
 */
export const CLUSTER_IDENTITY = `case
    when has_function_privilege(to_regprocedure('pg_catalog.pg_control_system()'), 'execute') then substring(
      query_to_xml('select system_identifier from pg_catalog.pg_control_system()', true, false, '')::text
      from '<system_identifier>([0-9]+)')
  end`
