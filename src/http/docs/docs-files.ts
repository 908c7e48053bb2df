import { readFile, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Middleware } from 'koa'
import { HttpFault } from '../problem.ts'

const page = `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>pixelgate API</title>
  <link rel="icon" href="data:,">
  <link rel="stylesheet" href="/docs/swagger-ui.css">
  <link rel="stylesheet" href="/docs/docs.css">
</head>
<body>
  <header><a href="/">pixelgate</a> API, version 1 <a href="/api/v1/openapi.json">openapi.json</a></header>
  <main id="operations"><noscript>This page needs JavaScript. The same is in openapi.json.</noscript></main>
  <script src="/docs/swagger-ui-bundle.js"></script>
  <script src="/docs/docs.js"></script>
</body>
</html>
`

const style = `body { margin: 0; font-family: system-ui, sans-serif; }
header { padding: 12px 20px; background: #12161c; color: #dfe5ec; }
header a { color: #9fd0ff; margin-right: 12px; }
`

/** Nothing of it is inline, so the page needs no hole in the Content-Security-Policy. */
const script = `window.ui = SwaggerUIBundle({
  url: '/api/v1/openapi.json',
  dom_id: '#operations',
  presets: [SwaggerUIBundle.presets.apis],
  layout: 'BaseLayout',
  deepLinking: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  tryItOutEnabled: true,
  validatorUrl: null,
})
`

const ours: Readonly<Record<string, readonly [type: string, text: string]>> = {
  '/docs': ['text/html; charset=utf-8', page],
  '/docs/docs.css': ['text/css; charset=utf-8', style],
  '/docs/docs.js': ['text/javascript; charset=utf-8', script],
}

const ofSwaggerUi: Readonly<Record<string, readonly [type: string, file: string]>> = {
  '/docs/swagger-ui.css': ['text/css; charset=utf-8', 'swagger-ui.css'],
  '/docs/swagger-ui-bundle.js': ['text/javascript; charset=utf-8', 'swagger-ui-bundle.js'],
}

/** The page at /docs: Swagger UI over our document. Its files (1.6 MB) are read when they are asked for and held by nobody. */
export const docsFiles: Middleware<{ route?: string }> = async (ctx, next) => {
  if (!ctx.path.startsWith('/docs') || (ctx.method !== 'GET' && ctx.method !== 'HEAD')) return next()
  const path = ctx.path.replace(/\/$/, '')
  const own = ours[path]
  const foreign = ofSwaggerUi[path]
  if (own === undefined && foreign === undefined) return next()
  ctx.state.route = 'docs'
  ctx.status = 200
  ctx.set('Cache-Control', 'no-cache')
  if (own !== undefined) {
    ctx.type = own[0]
    ctx.body = own[1]
  } else if (foreign !== undefined) {
    const { bytes, etag } = await read(foreign[1])
    ctx.set('ETag', etag)
    ctx.type = foreign[0]
    ctx.body = bytes
    if (ctx.fresh) ctx.status = 304
  }
  return undefined
}

async function read(name: string): Promise<{ readonly bytes: Buffer; readonly etag: string }> {
  try {
    const file = join(dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json')), name)
    const { size, mtimeMs } = await stat(file)
    return { bytes: await readFile(file), etag: `"${size.toString(36)}-${Math.floor(mtimeMs).toString(36)}"` }
  } catch {
    throw new HttpFault(
      404,
      'Swagger UI is not installed here: npm install swagger-ui-dist. The document is at /api/v1/openapi.json.',
    )
  }
}
