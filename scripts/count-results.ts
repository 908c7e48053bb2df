import { readFileSync } from 'node:fs'

/** Prints what failed and was skipped, then the counts of all tests as the last line. */
const [tapFile = '', cFile = '', wasmFile = '', earlierStatus = '0', againFile = ''] = process.argv.slice(2)
const out = (text: string) => process.stdout.write(`${text}\n`)
/** Files whose second turn passed. */
const again = new Set(againFile === '' ? [] : readFileSync(againFile, 'utf8').split('\n').filter(Boolean))
for (const name of again) out(`passed in a second turn: ${name}`)

let passed = 0
let failed = 0
let skipped = 0

const tap = readFileSync(tapFile, 'utf8').split('\n')
let file = ''
for (const [index, line] of tap.entries()) {
  file = /^# Subtest: (.*)/.exec(line)?.[1] ?? file
  const fileResult = /^not ok \d+ - (\S+)/.exec(line)
  if (fileResult !== null) out(`failed: ${fileResult[1]}`)
  // A test of a file stands one level in; what it asserts, deeper.
  const test = /^ {4}(not )?ok \d+ - (.*?)(?: # (.*))?$/.exec(line)
  if (test === null) continue
  const [, not, name, remark = ''] = test
  if (/^(SKIP|TODO)/i.test(remark)) {
    skipped++
    out(`skipped: ${file}: ${name} (${remark.replace(/^SKIP\s*/i, '')})`)
  } else if (not === undefined || again.has(file)) {
    passed++
  } else {
    failed++
    out(`failed: ${file}: ${name}`)
    out(
      tap
        .slice(Math.max(0, index - 60), index)
        .filter(text =>
          /not ok|---|diff|compare|lineNumber|fileName|message|wanted|found|^\s+[-+]/.test(text),
        )
        .join('\n'),
    )
  }
}

const counts = /(\d+) passed, (\d+) failed/.exec(readFileSync(cFile, 'utf8'))
passed += Number(counts?.[1] ?? 0)
failed += Number(counts?.[2] ?? 1)

const wasm = readFileSync(wasmFile, 'utf8')
if (/skipped/.test(wasm)) skipped++
else passed++

if (earlierStatus !== '0' && failed === 0) failed++
out(`${passed} passed, ${failed} failed, ${skipped} skipped`)
process.exitCode = failed === 0 && passed > 0 ? 0 : 1
