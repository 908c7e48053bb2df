import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'

const root = fileURLToPath(new URL('../../', import.meta.url))

export const panelDir = join(root, 'dist/panel')
export const chromiumPath = '/usr/bin/chromium'
export const hasChromium = existsSync(chromiumPath)

/** `home`: where it looks for certificates that a person has added. */
export const launch = (more: { home?: string; args?: readonly string[] } = {}): Promise<Browser> =>
  chromium.launch({
    executablePath: chromiumPath,
    ...(more.home !== undefined && { env: { HOME: more.home } }),
    args: [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...(more.args ?? []),
    ],
  })

const newestMs = (folder: string): number =>
  Math.max(
    ...readdirSync(folder, { recursive: true, encoding: 'utf8' }).map(
      name => statSync(join(folder, name)).mtimeMs,
    ),
  )

/** Builds the panel when its sources are newer than what was built. */
export function buildPanel(): void {
  const built = join(panelDir, 'index.html')
  if (existsSync(built) && statSync(built).mtimeMs > newestMs(join(root, 'src/panel'))) return
  execFileSync(
    process.execPath,
    [join(root, 'node_modules/vite/bin/vite.js'), 'build', '--logLevel', 'error'],
    {
      cwd: root,
      timeout: 60_000,
    },
  )
}

/** Bytes that a browser loads before it shows anything, as the gateway sends them. */
export function firstLoadBytes(): number {
  const html = readFileSync(join(panelDir, 'index.html'), 'utf8')
  const assets = [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+\.(?:js|css))"/g)].map(
    ([, path = '']) => path,
  )
  return ['index.html', ...assets].reduce((sum, path) => sum + statSync(join(panelDir, `${path}.gz`)).size, 0)
}

const axeSource = () => readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface AxeViolation {
  readonly id: string
  readonly help: string
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[]
}

/** What axe finds wrong with the page as it is now, one line each. The script comes over the debugger, past the page's policy. */
export async function axeFindings(page: Page): Promise<readonly string[]> {
  if ((await page.evaluate('typeof axe')) === 'undefined') await page.evaluate(axeSource())
  const violations = (await page.evaluate(
    'axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => violations)',
  )) as readonly AxeViolation[]
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(
      ({ html, failureSummary }) => `${id}: ${html.slice(0, 160)} ${failureSummary.replaceAll('\n', ' ')}`,
    ),
  )
}
