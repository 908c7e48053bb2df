import type { Middleware } from 'koa'

/** Answers of the API are data about now: nobody stores them, and no browser takes them for anything else. */
export const headers: Middleware = (ctx, next) => {
  ctx.set('Cache-Control', 'no-store')
  ctx.set('X-Content-Type-Options', 'nosniff')
  return next()
}
