import { execFile } from 'node:child_process'
import { chmod, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { commands } from '../../src/cli/commands.ts'
import { eventually, startBoard, type Workplace, workplace } from '../support/pixelgate.ts'

const run = promisify(execFile)

/** What bash offers for a line whose last word is being typed. */
async function offered(script: string, words: readonly string[]): Promise<readonly string[]> {
  const program = `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _pixelgate; printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout } = await run('bash', ['--norc', '-c', program, script, ...words], { timeout: 20_000 })
  return stdout.split('\n').filter(word => word !== '')
}

async function scriptOf(t: Test): Promise<{ place: Workplace; script: string }> {
  const place = await workplace(t)
  const { status, stdout } = await place.here('completion', 'bash')
  t.equal(status, 0)
  return { place, script: await place.file('completion.bash', stdout) }
}

t.test('bash completes commands, verbs, options and files', async t => {
  const { place, script } = await scriptOf(t)
  const of = (...words: string[]) => offered(script, ['pixelgate', ...words])
  t.same(await of('upl'), ['upload'])
  t.same(await of('patt'), ['pattern'], 'a family once')
  t.same(await of('pattern', 'in'), ['inspect'])
  t.same((await of('board', '')).toSorted(), ['flash', 'pair', 'set', 'unpair', 'virtual'])
  t.same((await of('user', '')).slice(0, 3), ['list', 'invite', 'add'])
  t.same(await of('upload', '--sc'), ['--scale-power'])
  t.same(await of('board', 'flash', '--im'), ['--image'])
  await writeFile(place.path('comet.gif'), '')
  t.same(await of('upload', place.path('com')), [place.path('comet.gif'), place.path('completion.bash')])
  t.same(await of('board', 'flash', '--image', place.path('comet')), [place.path('comet.gif')])
  t.same(await of('nothing', ''), [])
})

t.test('every option of every command is offered', async t => {
  const { script } = await scriptOf(t)
  for (const { name, options } of commands) {
    const names = await offered(script, ['pixelgate', ...name.split(' '), '--'])
    t.same(names, [...Object.keys(options).map(option => `--${option}`), '--help'], name)
  }
})

t.test('names of boards come from the gateway', async t => {
  const { place, script } = await scriptOf(t)
  const board = await startBoard(t, place)
  await place.file(
    'config.json',
    JSON.stringify({ links: [{ kind: 'serial', path: board.path, baudRate: 115_200 }] }),
  )
  const daemon = place.start('serve', '--config', place.path('config.json'))
  t.teardown(() => daemon.kill())
  await daemon.says(({ ready }) => ready === true, 'ready')
  const known = await eventually(async () => {
    const { last } = await place.here('boards', '--json')
    return last['boards']?.length === 1 && last
  }, 'the board')
  t.equal(known['boards'][0].name, 'virtual board')
  // What the real command has said, without the second that Node takes to start.
  const said = (await place.here('boards', '--json')).stdout
  const program = await place.file('pixelgate', `#!/bin/sh\ncat <<'END'\n${said}END\n`)
  await chmod(program, 0o755)
  t.same(
    await offered(script, [program, 'upload', 'comet.gif', '--board', '']),
    ['virtual\\ board'],
    'quoted for the shell',
  )
  t.same(await offered(script, [program, 'board', 'set', 'virt']), ['virtual\\ board'])
  t.same(await offered(script, [program, 'board', 'set', 'x']), [])
})

t.test('another shell is a wrong usage', async t => {
  const place = await workplace(t)
  const { status, stderr } = await place.here('completion', 'fish')
  t.equal(status, 2)
  t.match(stderr, /for bash only/)
})
