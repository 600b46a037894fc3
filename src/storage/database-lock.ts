/** Held until `close`, or until the process ends, however it ends. */
export interface DatabaseLock {
  close(): Promise<void>
}
