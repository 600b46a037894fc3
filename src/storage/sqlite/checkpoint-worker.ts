import { workerData } from 'node:worker_threads'
import Database from 'better-sqlite3'
import { answerQuestions } from '../thread.ts'

/** Copies the write-ahead log into the database when asked, on a thread of its own: the event loop goes on meanwhile. */
const database = new Database(workerData)
database.pragma('synchronous = normal')
const checkpoint = database.prepare('pragma wal_checkpoint(passive)')

answerQuestions(() => checkpoint.get())
