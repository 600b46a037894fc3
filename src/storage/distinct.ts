/**
 * A query of the numbers that stand in a column, each once: from one to the next by the index that begins with the column,
 * where `select distinct` reads all rows, of which there may be a million for each number.
 */
export const distinctIn = (table: string, column: string): string =>
  `with recursive each (nid) as (
     select min(${column}) from ${table}
     union all select (select min(t.${column}) from ${table} t where t.${column} > each.nid) from each
       where each.nid is not null)
   select nid from each where nid is not null`
