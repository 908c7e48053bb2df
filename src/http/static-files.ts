import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join, relative, sep } from 'node:path'
import type { Middleware } from 'koa'

const types: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/vnd.microsoft.icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
}

interface Content {
  readonly bytes: Buffer
  readonly etag: string
}

interface StaticFile {
  readonly type: string
  readonly cacheControl: string
  readonly plain: Content
  readonly gzip: Content | undefined
}

/** Vite puts a hash of the content into these names, so another content has another name. */
const hashedName = /^\/assets\/.+-[\w-]{8,}\.\w+$/

const notBuilt = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>pixelgate</title>
<h1>The panel is not built</h1>
<p>The gateway runs, but its panel was not found. Build it with <code>npm run build</code> and start the gateway again.</p>
<p>The command line and the API work without it.</p>
`

/** Every file of the panel by its path, read once: no request ever becomes a path of the file system. */
export function readPanel(panelDir: string | null): ReadonlyMap<string, StaticFile> {
  const files = panelDir === null ? new Map<string, Buffer>() : filesBelow(panelDir)
  const found = new Map<string, StaticFile>()
  for (const [path, bytes] of files) {
    const type = types[extname(path)]
    if (type === undefined) continue
    const gzip = files.get(`${path}.gz`)
    found.set(path, {
      type,
      cacheControl: hashedName.test(path) ? 'public, max-age=31536000, immutable' : 'no-cache',
      plain: content(bytes),
      gzip: gzip && content(gzip),
    })
  }
  found.set('/', found.get('/index.html') ?? page(notBuilt))
  return found
}

/** Answers GET and HEAD of the panel's files (RFC 9110 §13.1.2 for If-None-Match); everything else goes on. */
export function staticFiles(files: ReadonlyMap<string, StaticFile>): Middleware<{ route?: string }> {
  return (ctx, next) => {
    const file = ctx.method === 'GET' || ctx.method === 'HEAD' ? files.get(ctx.path) : undefined
    if (file === undefined) return next()
    ctx.state.route = 'static'
    const asks = ctx.acceptsEncodings('gzip', 'identity') === 'gzip'
    const sent = asks && file.gzip !== undefined ? file.gzip : file.plain
    if (file.gzip !== undefined) ctx.vary('Accept-Encoding')
    if (sent === file.gzip) ctx.set('Content-Encoding', 'gzip')
    ctx.set({ ETag: sent.etag, 'Cache-Control': file.cacheControl })
    ctx.type = file.type
    ctx.status = 200
    ctx.body = sent.bytes
    // Koa leaves the body and its length out of a 304.
    if (ctx.fresh) ctx.status = 304
    return undefined
  }
}

function filesBelow(folder: string): Map<string, Buffer> {
  let entries: ReturnType<typeof read>
  const read = () => readdirSync(folder, { recursive: true, withFileTypes: true })
  try {
    entries = read()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map()
    throw error
  }
  const files = entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
  return new Map(files.map(file => [`/${relative(folder, file).split(sep).join('/')}`, readFileSync(file)]))
}

const content = (bytes: Buffer): Content => ({
  bytes,
  etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 27)}"`,
})

const page = (html: string): StaticFile => ({
  type: 'text/html; charset=utf-8',
  cacheControl: 'no-store',
  plain: content(Buffer.from(html)),
  gzip: undefined,
})
