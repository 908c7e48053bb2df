import type { ConfigFault } from '../config/fault.ts'
import type { Config } from '../config/resolve-config.ts'
import { withDeadline } from '../kernel/deadline.ts'
import { AppError, toError } from '../kernel/errors.ts'
import { askDaemon } from './ask-daemon.ts'
import { addressCheck } from './check-addresses.ts'
import { daemonCheck, databaseCheck } from './check-daemon.ts'
import { gpioCheck } from './check-gpio.ts'
import { linkCheck } from './check-links.ts'
import { clockCheck, memoryCheck, nodeCheck, powerCheck, swapCheck } from './check-machine.ts'
import { mqttCheck } from './check-mqtt.ts'
import { portCheck } from './check-ports.ts'
import { serviceCheck } from './check-service.ts'
import { stateCheck } from './check-state.ts'
import { type Check, type Examined, type Finding, fine, problem, warning } from './finding.ts'
import type { Machine } from './machine.ts'

export interface Diagnosis {
  /** The worst finding. */
  readonly status: Finding['status']
  readonly findings: readonly Finding[]
}

const checks: readonly Check[] = [
  nodeCheck,
  stateCheck,
  databaseCheck,
  daemonCheck,
  portCheck,
  linkCheck,
  addressCheck,
  mqttCheck,
  gpioCheck,
  clockCheck,
  serviceCheck,
  memoryCheck,
  swapCheck,
  powerCheck,
]

const defaultDeadlineMs = 5_000

/**
 * Looks at the machine and the configuration, changing nothing. `load` gives the configuration or rejects with
 * `config_invalid`; then what depends on it is left out. Every check has a deadline; a bug in one is a finding too.
 */
export async function diagnose(machine: Machine, load: () => Promise<Config>): Promise<Diagnosis> {
  let config: Config | undefined
  const findings: Finding[] = []
  try {
    config = await load()
    findings.push({ check: 'config', ...fine('the configuration has no fault') })
  } catch (thrown) {
    findings.push(...configFindings(thrown))
  }
  if (config === undefined) {
    const [found] = await nodeCheck.run({ machine } as Examined)
    if (found) findings.push({ check: nodeCheck.name, ...found })
  } else {
    const daemon = await askDaemon(config.controlSocket)
    const known = config
    const found = await Promise.all(checks.map(check => run(check, { machine, config: known, daemon })))
    findings.push(...found.flat())
  }
  const status = worst(findings.map(finding => finding.status))
  return { status, findings }
}

const worst = (statuses: readonly Finding['status'][]): Finding['status'] =>
  statuses.includes('problem') ? 'problem' : statuses.includes('warning') ? 'warning' : 'ok'

async function run(check: Check, examined: Omit<Examined, 'signal'>): Promise<Finding[]> {
  const { name, deadlineMs = defaultDeadlineMs } = check
  const stop = new AbortController()
  const late = `nothing came of it within ${deadlineMs / 1000} s`
  try {
    const work = check.run({ ...examined, signal: stop.signal })
    const found = await withDeadline(examined.machine.clock, deadlineMs, work, 'daemon_failed', late)
    return found.map(each => ({ check: name, ...each }))
  } catch (thrown) {
    const cure = 'run the doctor again; if it stays so, look at the disk and at the load of the machine'
    return [{ check: name, ...warning(`this could not be checked: ${toError(thrown).message}`, cure) }]
  } finally {
    stop.abort()
  }
}

/** All faults of the configuration, one a line. */
function configFindings(thrown: unknown): Finding[] {
  const check = 'config'
  if (!(thrown instanceof AppError) || thrown.code !== 'config_invalid') throw thrown
  const faults = thrown.detail?.['faults'] as readonly ConfigFault[] | undefined
  if (faults === undefined) return [{ check, ...problem(thrown.message, 'mend the configuration') }]
  return faults.map(({ path, message, origin }) => {
    const where = origin.layer === 'default' ? 'the configuration' : `the ${origin.layer} ${origin.name}`
    return { check, ...problem(`${path === '' ? '' : `${path}: `}${message}`, `mend it in ${where}`) }
  })
}
