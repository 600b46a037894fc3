import { StorageAway, storageFailure } from '../failure.ts'
import type { Statements } from './statements.ts'

/** How long bodies run, and a group grows, before the event loop has its turn. */
const SLICE_MS = 5

/** One transaction on its way: it waits, its body runs, it waits for its group to be durable. */
export class Ticket {
  readonly started = Promise.withResolvers<void>()
  readonly durable = Promise.withResolvers<void>()
  readonly queuedAt = performance.now()
  /** Why the statements of its body are refused from now on. */
  ended: unknown
}

interface Edges {
  /** Makes everything committed so far durable. */
  sync(): Promise<void>
  /** Around a commit and its sync: readers stay with the state before it. */
  pin(): void
  unpin(): void
  onGroup(size: number, waitMs: number): void
  /** A sync failed. */
  onBroken(error: unknown): void
}

/**
 * Many transactions, one commit. Transactions queue; a `setImmediate`, which comes after all requests that the loop had
 * at hand, runs their bodies one after the other, each in a savepoint, and commits once after the last of them (or
 * after 5 ms). While the disk is busy with the group before, the next one goes on growing. Nobody hears of a commit,
 * and no reader sees it, before it is durable.
 */
export class GroupCommit {
  readonly #writer: Statements
  readonly #edges: Edges
  readonly #sql: Record<'begin' | 'commit' | 'rollback' | 'save' | 'release' | 'undo', { run(): unknown }>
  #queue: Ticket[] = []
  /** Bodies that ran in the open group. */
  #group: Ticket[] = []
  #open = false
  #current: Ticket | undefined
  #sliceEnd = 0
  #scheduled = false
  #syncing = false
  #broken: unknown
  #held = false
  #onIdle: (() => void)[] = []

  constructor(writer: Statements, edges: Edges) {
    this.#writer = writer
    this.#edges = edges
    this.#sql = {
      begin: writer.prepare('begin immediate'),
      commit: writer.prepare('commit'),
      rollback: writer.prepare('rollback'),
      save: writer.prepare('savepoint body'),
      release: writer.prepare('release body'),
      undo: writer.prepare('rollback to body'),
    }
  }

  /** The transaction whose body runs. */
  get current(): Ticket | undefined {
    return this.#current
  }

  /** Resolves when it is this transaction's turn. */
  async begin(): Promise<Ticket> {
    const ticket = new Ticket()
    if (this.#broken) throw this.#broken
    this.#queue.push(ticket)
    this.#schedule()
    await ticket.started.promise
    return ticket
  }

  /** Runs a statement of the transaction. When SQLite undid everything by itself (disk full), so falls the group. */
  statement<T>(ticket: Ticket, run: (writer: Statements) => T): T {
    if (ticket !== this.#current) throw ticket.ended ?? new Error('This transaction has ended')
    try {
      return run(this.#writer)
    } catch (error) {
      if (!this.#writer.database.inTransaction) this.#fail(error)
      throw error
    }
  }

  /** Ends the body; resolves when the group is durable. */
  commit(ticket: Ticket): Promise<void> {
    if (ticket !== this.#current) return Promise.reject(ticket.ended ?? new Error('This transaction has ended'))
    try {
      this.#sql.release.run()
    } catch (error) {
      this.#fail(storageFailure(error))
      return Promise.reject(ticket.ended)
    }
    this.#group.push(ticket)
    this.#next()
    return ticket.durable.promise
  }

  rollback(ticket: Ticket): void {
    if (ticket !== this.#current) return
    if (this.#undo(ticket, new Error('This transaction was rolled back'))) this.#next()
  }

  /** Keeps new groups from starting; resolves when none is open or on its way to the disk. */
  async hold(): Promise<void> {
    this.#held = true
    if (this.#open || this.#syncing) await new Promise<void>((resolve) => this.#onIdle.push(resolve))
  }

  resume(): void {
    this.#held = false
    this.#schedule()
  }

  /** Resolves when nothing waits any more. */
  async idle(): Promise<void> {
    while (this.#queue.length > 0 || this.#open || this.#syncing) {
      await new Promise<void>((resolve) => this.#onIdle.push(resolve))
    }
  }

  #schedule(): void {
    if (this.#scheduled || this.#queue.length === 0) return
    this.#scheduled = true
    setImmediate(() => this.#drain())
  }

  #drain(): void {
    this.#scheduled = false
    if (this.#current || this.#queue.length === 0) return
    if (!this.#open && (this.#held || !this.#begin())) return
    this.#sliceEnd = performance.now() + SLICE_MS
    this.#next()
    // A tick that a microtask asks for comes after the last microtask: bodies that await only queries are through then.
    queueMicrotask(() => process.nextTick(() => this.#endIdler()))
  }

  #begin(): boolean {
    try {
      this.#sql.begin.run()
      this.#open = true
    } catch (error) {
      const failure = storageFailure(error)
      for (const ticket of this.#queue.splice(0)) ticket.started.reject(failure)
      this.#settle()
    }
    return this.#open
  }

  #next(): void {
    this.#current = undefined
    const ticket = performance.now() < this.#sliceEnd ? this.#queue.shift() : undefined
    if (!ticket) {
      this.#endSlice()
      return
    }
    this.#current = ticket
    try {
      this.#sql.save.run()
    } catch (error) {
      ticket.started.reject(storageFailure(error))
      this.#fail(storageFailure(error))
      return
    }
    ticket.started.resolve()
  }

  #endSlice(): void {
    this.#schedule()
    if (!this.#syncing) this.#commitGroup()
  }

  #endIdler(): void {
    const ticket = this.#current
    if (!ticket || !this.#undo(ticket, new Error('A transaction awaited something other than a query'))) return
    this.#current = undefined
    this.#endSlice()
  }

  #undo(ticket: Ticket, reason: unknown): boolean {
    ticket.ended = reason
    try {
      this.#sql.undo.run()
      this.#sql.release.run()
      return true
    } catch (error) {
      this.#fail(storageFailure(error))
      return false
    }
  }

  #commitGroup(): void {
    const group = this.#group
    this.#group = []
    if (group.length === 0) {
      this.#fail(undefined)
      return
    }
    try {
      this.#edges.pin()
      this.#sql.commit.run()
    } catch (error) {
      this.#group = group
      this.#edges.unpin()
      this.#fail(storageFailure(error))
      return
    }
    this.#open = false
    this.#syncing = true
    this.#edges.sync().then(
      () => this.#synced(group),
      (error) => this.#break(group, error),
    )
  }

  #synced(group: Ticket[]): void {
    this.#syncing = false
    this.#edges.unpin()
    // What gathered meanwhile goes to the disk first, unless more is about to join it.
    if (this.#open && !this.#current && !this.#scheduled) this.#commitGroup()
    for (const ticket of group) ticket.durable.resolve()
    this.#settle()
    if (group[0]) this.#edges.onGroup(group.length, performance.now() - group[0].queuedAt)
  }

  /** Everything in the open group is undone. */
  #fail(reason: unknown): void {
    const group = this.#group
    this.#group = []
    this.#open = false
    if (this.#current) this.#current.ended = reason
    this.#current = undefined
    for (const ticket of group) ticket.durable.reject(reason)
    try {
      if (this.#writer.database.inTransaction) this.#sql.rollback.run()
    } catch (error) {
      this.#refuseAll(error)
    }
    this.#schedule()
    this.#settle()
  }

  /** After a failed sync nobody knows what the disk holds, and a second sync would not tell: only a restart does. */
  #break(group: Ticket[], error: unknown): void {
    this.#syncing = false
    this.#refuseAll(error)
    for (const ticket of group) ticket.durable.reject(this.#broken)
    this.#fail(this.#broken)
  }

  #refuseAll(error: unknown): void {
    this.#broken = new StorageAway(error)
    for (const ticket of this.#queue.splice(0)) ticket.started.reject(this.#broken)
    this.#edges.onBroken(error)
  }

  #settle(): void {
    if (this.#open || this.#syncing) return
    for (const resolve of this.#onIdle.splice(0)) resolve()
  }
}
