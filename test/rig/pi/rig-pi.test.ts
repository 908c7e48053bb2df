import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { plannedFiles } from '../../../scripts/rig-pi-parts/debian-packages.ts'
import { onPath } from '../../../scripts/rig-pi-parts/host-tools.ts'
import { noisePattern } from '../../../scripts/rig-pi-parts/noise-pattern.ts'
import { Qmp } from '../../../scripts/rig-pi-parts/qmp.ts'
import { Report, StepSkipped } from '../../../scripts/rig-pi-parts/report.ts'
import { detectPattern } from '../../../src/pattern/detect.ts'

function reported(json = false) {
  const lines: string[] = []
  const report = new Report({ json, write: text => void lines.push(...text.split('\n').filter(Boolean)) })
  return { report, lines }
}

t.test('a step that throws, is late or stands on a broken one is never ok', async t => {
  const { report, lines } = reported()
  t.equal(await report.step('first', 1000, async () => 'seen'), true)
  t.equal(await report.step('broken', 1000, () => Promise.reject(new Error('why'))), false)
  t.equal(await report.step('late', 20, () => new Promise<string>(() => undefined)), false)
  t.equal(await report.step('left out', 1000, () => Promise.reject(new StepSkipped('no tool'))), false)
  let ran = false
  const after = async () => {
    ran = true
    return ''
  }
  t.equal(await report.step('after', 1000, after, ['first', 'broken']), false)
  t.equal(await report.step('unknown', 1000, after, ['never run']), false)
  t.equal(ran, false, 'what stands on a broken step is not run')
  t.strictSame(
    report.results.map(({ verdict }) => verdict),
    ['ok', 'not ok', 'not ok', 'skipped', 'skipped', 'skipped'],
  )
  t.equal(report.failed, true)
  t.match(lines[0], /^ok - first: seen \[/)
  t.match(lines[1], /^not ok - broken: why \[/)
  t.match(lines[3], /^skipped - left out \(no tool\) \[/)
  report.finish()
  t.equal(lines.at(-1), '1 ok, 2 not ok, 3 skipped')
})

t.test('with --json each line is an object, and the last one counts', async t => {
  const { report, lines } = reported(true)
  await report.step('only', 1000, async () => '3 s')
  report.finish()
  const [step, summary] = lines.map(line => JSON.parse(line))
  t.match(step, { event: 'step', name: 'only', verdict: 'ok', detail: '3 s' })
  t.strictSame(summary, { event: 'summary', ok: 1, notOk: 0, skipped: 0 })
})

t.test('the archives of a simulated installation are named as apt stores them', async t => {
  const said = `NOTE: This is only a simulation!
Inst libcap2 (1:2.66-4+deb12u3+b1 Debian:12.15/oldstable, Debian-Security:12/oldstable-security [arm64])
Inst libgcc-s1 (12.2.0-14+deb12u1 Debian:12.15/oldstable [arm64]) []
Inst usr-is-merged (37~deb12u1 Debian:12.15/oldstable [all])
Conf libcap2 (1:2.66-4+deb12u3+b1 Debian:12.15/oldstable [arm64])
`
  t.strictSame(plannedFiles(said), [
    'libcap2_1%3a2.66-4+deb12u3+b1_arm64.deb',
    'libgcc-s1_12.2.0-14+deb12u1_arm64.deb',
    'usr-is-merged_37~deb12u1_all.deb',
  ])
})

t.test('the noise is a pattern that the gateway reads, and its frames are in the file', async t => {
  const { file, frames } = noisePattern(64, 20, 7)
  t.equal(frames.length, 20)
  t.ok(frames.every(frame => file.includes(frame) && frame.length === 192))
  t.equal(new Set(frames.map(frame => frame.toString('hex'))).size, 20, 'no frame is like another')
  t.same(noisePattern(64, 20, 7).file, file, 'the same seed gives the same bytes')
  t.notSame(noisePattern(64, 20, 8).file, file)
  const read = detectPattern(file, { fileName: 'noise.bin' })
  t.ok(read.ok && read.value.some(({ frames: found, leds }) => found === 20 && leds === 64))
})

t.test(
  'commands and events of a real QEMU find their way',
  { skip: !onPath('qemu-system-aarch64') && 'no qemu-system-aarch64 here' },
  async t => {
    const folder = await mkdtemp(join(tmpdir(), 'qmp-'))
    const path = join(folder, 'qmp')
    const child = spawn(
      'qemu-system-aarch64',
      ['-M', 'none', '-display', 'none', '-nodefaults', '-qmp', `unix:${path},server=on,wait=off`],
      { stdio: 'ignore' },
    )
    t.teardown(async () => {
      child.kill('SIGKILL')
      await rm(folder, { recursive: true, force: true })
    })
    for (let tries = 0; !existsSync(path) && tries < 500; tries++)
      await new Promise(resolve => setTimeout(resolve, 20))
    const qmp = await Qmp.connect(path)
    t.match(await qmp.ask('query-status'), { running: true })
    await t.rejects(qmp.ask('device_del', { id: 'nothing' }), /nothing/)
    await t.rejects(
      qmp.event(({ event }) => event === 'STOP', 50),
      /no such event/,
    )
    await qmp.ask('stop')
    t.match(await qmp.event(({ event }) => event === 'STOP', 5000), { event: 'STOP' })
    const gone = qmp.ask('quit').catch(() => undefined)
    await gone
    await t.rejects(qmp.ask('query-status'), /ended/)
  },
)
