/**
 * Decides which owners to trust, because the owner of a table or function decides what code runs with it.
 *
 * A table's triggers, rules, defaults and policies run as the role that writes it, and a function's owner may replace
 * it at any time. The expected name proves nothing: any role that may create objects in the schema can plant an object
 * with it.
 */

/**
 * SQL: true for the current role, and for groups whose rights it has. For a superuser, which has all rights, only real
 * membership counts.
 */
export function isOwnRole(owner: string): string {
  return `(
  select case when me.rolsuper then exists (
      with recursive mine as (
        select me.oid as role
        union
        select m.roleid from pg_catalog.pg_auth_members as m join mine on m.member = mine.role
      )
      select from mine where mine.role = ${owner}
    ) else pg_catalog.pg_has_role(me.oid, ${owner}, 'usage') end
  from pg_catalog.pg_roles as me where me.rolname = current_user)`
}

/** SQL: true for {@link isOwnRole}, and for a superuser, which needs no trick to run code as another role. */
export function isTrusted(owner: string): string {
  return `(${isOwnRole(owner)} or (select r.rolsuper from pg_catalog.pg_roles as r where r.oid = ${owner}))`
}

/**
 * SQL: true if a trigger of the table runs a function of an untrusted role. The function would run with the rights of
 * each writer.
 */
export function hasStrangeTrigger(table: string): string {
  return `exists (
    select from pg_catalog.pg_trigger as t join pg_catalog.pg_proc as p on p.oid = t.tgfoid
    where t.tgrelid = ${table} and not t.tgisinternal and not ${isTrusted('p.proowner')})`
}
