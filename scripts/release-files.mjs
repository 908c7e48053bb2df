/** Prints what belongs to an installation, as paths below the project's folder, each closed by a zero byte; scripts/install.sh copies them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const fail = message => {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}

/** What the program itself needs, beside its packages. */
const own = [
  'dist',
  'docs',
  'firmware-protocol/wasm',
  'firmware-protocol/boards/prebuilt',
  'systemd',
  'scripts/install.sh',
  'scripts/release-files.mjs',
  'LICENSE',
  'package.json',
  'package-lock.json',
]

/** Sources, types and objects of the packages: nothing of it is read when the program runs. */
const idle =
  /\.(ts|mts|cts|map|a|o|c|cc|cpp|h|hpp|gyp|gypi|md|markdown)$|\/(\.deps|obj|obj\.target|deps|test|tests)\/|\/test_extension\.node$/

/** Of the binaries that a package brings for many platforms, those of this one; the packages choose among them by C library too. */
const foreign = path => {
  const [, platform] = /\/prebuilds\/([^/]+)\//.exec(path) ?? []
  return platform !== undefined && platform !== `${process.platform}-${process.arch}`
}

function* filesBelow(path) {
  for (const entry of readdirSync(join(root, path), { withFileTypes: true })) {
    const below = `${path}/${entry.name}`
    if (entry.isDirectory()) {
      // Packages within a package have entries of their own in the lock file.
      if (entry.name !== 'node_modules') yield* filesBelow(below)
    } else if (entry.isFile()) yield below
  }
}

function packages() {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  const wanted = Object.entries(lock.packages).filter(
    ([path, { dev, devOptional }]) => path.startsWith('node_modules/') && !dev && !devOptional,
  )
  const absent = wanted.filter(([path, { optional }]) => !optional && !existsSync(join(root, path)))
  if (absent.length > 0)
    fail(`Not installed: ${absent.map(([path]) => path).join(', ')}. Run: npm install --no-save`)
  return wanted.map(([path]) => path).filter(path => existsSync(join(root, path)))
}

if (!existsSync(join(root, 'dist/main.js'))) fail('dist/main.js is missing. Run: npm run build')
const files = [
  ...own.flatMap(path => (path.includes('.') || path === 'LICENSE' ? [path] : [...filesBelow(path)])),
  ...packages().flatMap(path => [...filesBelow(path)].filter(file => !idle.test(file) && !foreign(file))),
]
process.stdout.write(files.sort().join('\0'))
