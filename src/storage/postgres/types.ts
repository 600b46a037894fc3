import pg from 'pg'

const BIGINT = 20
const NUMERIC = 1700

/** Numbers as numbers: no count, sum or position of ours leaves the range of exact integers. */
export const parserOf = (oid: number): ((text: string) => unknown) =>
  oid === BIGINT || oid === NUMERIC ? Number : pg.types.getTypeParser(oid, 'text')
