import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { boardId } from '../../src/kernel/ids.ts'
import { noise } from '../upload/upload-rig.ts'
import { gw, until } from './broker-rig.ts'
import { mqttRig } from './mqtt-board-rig.ts'

const example = fileURLToPath(new URL('../../firmware-protocol/examples/esp-mqtt/', import.meta.url))
const uuid = '0c0c0c0c-0c0c-4c0c-8c0c-0c0c0c0c0c0c'
const hasCompiler = ['gcc', 'make'].every(tool => spawnSync(tool, ['--version']).status === 0)

t.test(
  'the example in C takes an upload over a client of its own, and goes on after it was killed',
  { skip: hasCompiler ? false : 'gcc or make is not installed', timeout: 800_000 },
  async t => {
    const folder = await mkdtemp(join(tmpdir(), 'esp-mqtt-'))
    t.teardown(() => rm(folder, { recursive: true, force: true }))
    execFileSync('make', ['-s', '-C', example, `BUILD=${folder}`, 'CC=gcc'])
    const rig = await mqttRig(t)
    const { password } = await rig.users.add({ name: 'esp', access: 'watch', boardId: uuid })
    await writeFile(join(folder, 'secret'), `${password}\n`, { mode: 0o600 })
    const start = (): ChildProcess => {
      const at = [
        '127.0.0.1',
        String(rig.port),
        gw,
        uuid,
        'esp',
        join(folder, 'secret'),
        join(folder, 'flash'),
      ]
      const child = spawn(join(folder, 'host-board'), at, { stdio: 'ignore' })
      t.teardown(() => child.kill('SIGKILL'))
      return child
    }
    const id = boardId(uuid)
    const control = await rig.connect()
    const place = `pixelgate/${gw}/${uuid}`
    await control.client.subscribeAsync(`${place}/#`, { qos: 1 })
    let board = start()
    await until(() => rig.core.registry.session(id) !== undefined, 'the board')
    await control.hears(`${place}/availability`, 'online')
    t.match(await rig.core.views.find(uuid), {
      firmware: 'pixelgate host 0.1.0',
      address: 'mqtt://esp@127.0.0.1',
    })

    const bytes = noise(150_000)
    const { pattern } = await rig.core.uploads.addFile(bytes, 'noise.bin', true)
    const { jobs } = await rig.core.uploads.submit(pattern, [id], { fileName: 'noise.bin', raw: true })
    const job = jobs[0]?.id ?? ('' as never)
    const status = `${place}/upload/${job}/status`
    await until(
      () => control.on(`${place}/upload/${job}/data`).length > 60,
      () => `the middle of the upload: ${control.on(status).at(-1)}`,
    )
    board.kill('SIGKILL')
    await until(() => rig.core.registry.session(id) === undefined, 'the board to leave')
    await control.hears(`${place}/availability`, 'offline')
    board = start()
    await control.hears(status, /"state":"done"/)
    const report = await rig.core.uploads.report(job)
    t.match(report, {
      sha256: createHash('sha256').update(bytes).digest('hex'),
      resentBlocks: 0,
      resumed: true,
      digest: { alg: 'sha256' },
    })
    t.equal(report.digest.value, report.sha256, 'as the board returned it')
    const listed = await rig.core.control.act(id, { type: 'REBOOT' })
    t.equal(listed.type, 'REBOOT')
    await until(() => rig.core.registry.session(id) === undefined, 'the restart')
    await until(() => rig.core.registry.session(id) !== undefined, 'the board again')
  },
)
