import type { IncomingMessage, ServerResponse } from 'node:http'
import Koa, { type ParameterizedContext } from 'koa'

/**
 * Koa without what it makes for each request and nobody here uses, because answers are written in one go, past its
 * setters: three objects, and listeners for the end of the answer. A waiting long poll holds all of it: 3.4 of 14.5 kB
 * (with its connection), and without it a message costs some 4 % less. Middleware gets `req` and `res`, and answers.
 */
export class LeanKoa extends Koa {
  override createContext<S>(req: IncomingMessage, res: ServerResponse): ParameterizedContext<S> {
    return { req, res } as ParameterizedContext<S>
  }

  /** Called by `callback()`. */
  async handleRequest(ctx: ParameterizedContext, serve: (ctx: ParameterizedContext) => Promise<void>): Promise<void> {
    try {
      await serve(ctx)
    } catch (error) {
      this.emit('error', error, ctx)
    }
  }
}
