import { runsAsRoutine, SET } from '../../migrate/routines-sql.ts'
import { bool, integer, text } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { ROUTINE_VERSION } from '../../postgres/routines/generated.ts'
import { signatureOf } from '../../postgres/routines/routine.ts'
import { routineName } from '../../postgres/routines/routine-call.ts'
import { compileRoutines } from '../../postgres/routines/routine-set.ts'
import { quoteText, raw, type Sql, sql } from '../../schema/sql.ts'
import { identifier } from '../../schema/sql-text.ts'
import { oidOf, type TableNames } from '../../schema/table-names.ts'
import { bytesToHex, sha256, utf8ToBytes } from '../../values/sha256.ts'
import { formatCount } from '../figures.ts'
import { type Check, type Observation, ok } from '../finding.ts'

const facts = operation({
  name: 'check_routines',
  repeatable: 'always',
  rows: 'one',
  columns: {
    role: text,
    owner: text,
    schema: text,
    expected: integer,
    missing: integer,
    changed: integer,
    forbidden: integer,
    // Routines that another function of the same name hides on the search_path.
    hidden: integer,
    otherOwners: text,
    olderSets: integer,
    // Every role may create functions beside the routines.
    isOpen: bool,
  },
  build: (tables) => ({
    select: {
      role: sql`current_user::text`,
      owner: sql`max(e.owner)`,
      schema: sql`max(e.schema)`,
      expected: sql`count(*)`,
      missing: sql`count(*) filter (where p.oid is null)`,
      changed: sql`count(*) filter (where encode(sha256(convert_to(p.prosrc, 'UTF8')), 'hex') <> r.digest
        or not ${raw(runsAsRoutine('p'))})`,
      forbidden: sql`count(*) filter (where not has_function_privilege(p.oid, 'execute'))`,
      hidden: sql`count(*) filter (where p.oid <> to_regprocedure(r.called))`,
      otherOwners: sql`coalesce(string_agg(distinct o.rolname, ', ') filter (where o.oid <> e.relowner and not o.rolsuper), '')`,
      olderSets: sql`(select count(*) from ${tables.state} as s
        where starts_with(s.name, ${quoteText(SET)}::text) and s.name <> ${quoteText(SET + ROUTINE_VERSION)}::text)`,
      isOpen: sql`bool_or(e.is_open)`,
    },
    from: sql`json_to_recordset(${quoteText(JSON.stringify(expected(tables)))}::text::json) as r(name text, parameters text, called text, digest text)
      cross join ${entries(tables)} as e
      left join pg_proc as p on p.proname = r.name and p.pronamespace = e.relnamespace
        and pg_get_function_identity_arguments(p.oid) = r.parameters
      left join pg_roles as o on o.oid = p.proowner`,
  }),
})

function entries(tables: TableNames): Sql {
  return sql`(
    select c.relowner, c.relnamespace, pg_get_userbyid(c.relowner)::text as owner, n.nspname::text as schema,
      exists (select from aclexplode(n.nspacl) as a where a.grantee = 0 and a.privilege_type = 'CREATE') as is_open
    from pg_class as c join pg_namespace as n on n.oid = c.relnamespace where c.oid = ${oidOf(tables.entries)})`
}

/** The routines of this version: their names and parameters, and a digest of each body. */
function expected(tables: TableNames) {
  return compileRoutines(tables).map((routine) => {
    const name = routineName(tables, routine.name)
    const { parameters } = signatureOf(routine)
    const place = tables.schema === undefined ? '' : `${identifier(tables.schema)}.`
    const digest = bytesToHex(sha256(utf8ToBytes(routine.body)))
    return { name, parameters, called: `${place}${identifier(name)}(${parameters})`, digest }
  })
}

const MIGRATE = 'Run `pgstash migrate` as the owner of the tables.'

/**
 * Checks that calls find the routines of this version. Over HTTP, every call uses them. Over TCP, only calls that they
 * make faster do.
 *
 * A cache works without them, so no finding here is a problem.
 */
export const routines: Check = {
  name: 'routines',
  needsTables: true,
  async look({ runner, isHttp }) {
    const [row] = await runner.run(facts)
    if (row === undefined) return [ok('There are no routines to compare with.')]
    const { role, owner, schema, missing, changed, forbidden, hidden, otherOwners, olderSets } = row
    const all = formatCount(row.expected, 'routine')
    const seen: Observation[] = []
    const warn = (what: string, advice: string) => seen.push({ status: 'warning', what, advice })
    if (otherOwners !== '') {
      warn(
        `Routines belong to ${otherOwners}, not to ${owner}: their owner decides which code runs with the rights of each caller.`,
        `Drop them as a superuser, then run \`pgstash migrate\` as ${owner}.`,
      )
    }
    if (hidden > 0) {
      warn(
        `The search_path finds ${formatCount(hidden, 'other function')} with the name of a routine first: calls run the wrong code.`,
        'Drop these functions, or move the cache to a separate schema with `pgstash migrate --schema <name>`.',
      )
    }
    if (changed > 0) warn(`Not as this version installs them: ${changed} of ${all}. Calls may run other code.`, MIGRATE)
    if (missing > 0) seen.push(absence(missing === row.expected ? 'The' : `${missing} of the`, isHttp))
    if (forbidden > 0) {
      warn(
        `${role} may not execute ${forbidden} of ${all}, so each of these calls sends its SQL.`,
        `As their owner: grant execute on all functions in schema ${schema} to ${role};`,
      )
    }
    if (seen.length === 0) seen.push(completeness(all, olderSets))
    if (row.isOpen) seen.push(openness(schema))
    return seen
  },
}

function completeness(all: string, olderSets: number): Observation {
  const older =
    olderSets === 0
      ? ''
      : ` ${formatCount(olderSets, 'older set')} may still serve another release. A later \`pgstash migrate\` drops it.`
  return ok(`All ${all} of this version (${ROUTINE_VERSION}) are installed.${older}`)
}

function openness(schema: string): Observation {
  return {
    status: 'note',
    what: `Every role may create functions in the schema ${schema}. A role could create a function with the name of a missing routine, which would then run with the rights of each caller.`,
    advice: `As the owner of the schema: revoke create on schema ${schema} from public;`,
  }
}

function absence(many: string, isHttp: boolean): Observation {
  const what = `${many} routines of this version (${ROUTINE_VERSION}) are not installed`
  if (isHttp) {
    return {
      status: 'warning',
      what: `${what}: each call sends its SQL, and the server parses and plans it again. The cache works, but slower.`,
      advice: MIGRATE,
    }
  }
  return {
    status: 'note',
    what: `${what}. Connections that keep prepared statements, such as this one, do not need them, but they make hits faster. Over HTTP, they save most of the time of a hit.`,
    advice: MIGRATE,
  }
}
