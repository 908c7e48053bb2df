import { access, constants, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { diskCheck } from '../ops/health-checks.ts'
import { type Check, type Found, fine, problem, warning } from './finding.ts'

/** The folder that holds everything the gateway remembers, and its disk. */
export const stateCheck: Check = {
  name: 'state',
  async run({ config: { stateDir }, machine }) {
    const found = await stat(stateDir).catch((error: NodeJS.ErrnoException) => error)
    if (found instanceof Error) return [await absent(stateDir, found)]
    if (!found.isDirectory())
      return [problem(`${stateDir} is a file, not a folder`, 'move it away, or set another stateDir')]
    const findings: Found[] = []
    const denied = await cannotWrite(stateDir)
    if (denied === 'EROFS')
      findings.push(
        problem(`${stateDir} is on a read-only disk`, 'mount it writable; a worn SD card turns read-only'),
      )
    else if (denied !== undefined)
      findings.push(
        warning(
          `${stateDir} belongs to another user; ${machine.userName} cannot write it`,
          `if the gateway is to run as ${machine.userName}: sudo chown -R ${machine.userName} ${stateDir}; else run the doctor with sudo`,
        ),
      )
    else findings.push(fine(`${stateDir} can be written`))
    if ((found.mode & 0o007) !== 0)
      findings.push(warning(`everybody may look into ${stateDir}`, `sudo chmod o-rwx ${stateDir}`))
    const disk = await diskCheck(stateDir).run()
    const cure = 'delete what is not needed, old backups first: pixelgate backups'
    if (disk.status === 'ok') findings.push(fine(disk.message))
    else findings.push((disk.status === 'failed' ? problem : warning)(disk.message, cure))
    return findings
  },
}

async function absent(stateDir: string, error: NodeJS.ErrnoException): Promise<Found> {
  if (error.code === 'EACCES')
    return warning(`this user may not look at ${stateDir}`, 'run it with sudo: sudo pixelgate doctor')
  if (error.code !== 'ENOENT')
    return problem(`${stateDir} cannot be used: ${error.message}`, 'set another stateDir')
  let folder = dirname(stateDir)
  while (folder !== '/' && (await cannotWrite(folder)) === 'ENOENT') folder = dirname(folder)
  if ((await cannotWrite(folder)) === undefined) return fine(`${stateDir} will be made at the first start`)
  return problem(
    `${stateDir} does not exist, and this user may not make it in ${folder}`,
    'run scripts/install.sh, or set a stateDir that this user can write',
  )
}

/** Why not; undefined: it can. */
const cannotWrite = (path: string): Promise<string | undefined> =>
  access(path, constants.W_OK | constants.X_OK).then(
    () => undefined,
    (error: NodeJS.ErrnoException) => error.code ?? 'EACCES',
  )
