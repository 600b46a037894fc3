/** The database cannot serve as it is; the message says what to do. */
export class DatabaseUnsuitable extends Error {
  override readonly name = 'DatabaseUnsuitable'
}

/** Another process writes to the database. */
export class DatabaseInUse extends Error {
  override readonly name = 'DatabaseInUse'

  constructor(database: string) {
    super(
      `Another process is using the database ${database}. A database serves one process at a time: ` +
        'end the other one, or give this one a database of its own in the configuration.',
    )
  }
}
