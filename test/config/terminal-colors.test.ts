import t from 'tap'
import { terminalColors } from '../../src/config/terminal-colors.ts'

t.test('the environment says what colours a terminal has', async t => {
  for (const [env, colors] of [
    [{}, '24bit'],
    [{ TERM: 'xterm-256color' }, '256'],
    [{ TERM: 'xterm' }, '256'],
    [{ TERM: 'xterm-256color', COLORTERM: 'truecolor' }, '24bit'],
    [{ TERM: 'screen', COLORTERM: '24bit' }, '24bit'],
    [{ TERM: 'xterm-kitty' }, '24bit'],
    [{ TERM: 'xterm-direct' }, '24bit'],
    [{ TERM: 'dumb', COLORTERM: 'truecolor' }, 'none'],
    [{ TERM: 'xterm-256color', COLORTERM: 'truecolor', NO_COLOR: '1' }, 'none'],
    [{ TERM: 'xterm-256color', NO_COLOR: '' }, '256'],
  ] as const)
    t.equal(terminalColors(env), colors, JSON.stringify(env))
})
