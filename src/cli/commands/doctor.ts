import { resolve } from 'node:path'
import { loadConfig } from '../../config/load-config.ts'
import { type Diagnosis, diagnose } from '../../doctor/doctor.ts'
import { Machine } from '../../doctor/machine.ts'
import { exitStatus } from '../../kernel/errors.ts'
import type { Command, OptionValues, Surroundings } from '../command.ts'
import { daemonOptions } from '../local-config.ts'
import { flag, text } from '../option-values.ts'

/** `pixelgate doctor`: exit status 0 when nothing is a problem, else that of `daemon_failed`. */
export const doctor: Command = {
  name: 'doctor',
  summary: 'Examine this machine and the configuration; each finding comes with its cure',
  operands: '',
  operandCount: [0, 0],
  options: { json: { type: 'boolean', help: 'JSON' }, ...daemonOptions },
  examples: ['pixelgate doctor', 'sudo pixelgate doctor --config /etc/pixelgate/config.json --json'],
  async run(_operands, options, surroundings) {
    const diagnosis = await diagnose(new Machine(), () => load(options, surroundings))
    const { stdout } = surroundings
    stdout.write(flag(options, 'json') ? `${JSON.stringify(diagnosis)}\n` : report(diagnosis))
    return diagnosis.status === 'problem' ? exitStatus('daemon_failed') : 0
  },
}

function load(options: OptionValues, { env }: Surroundings) {
  const path = (name: string): string | undefined => {
    const value = text(options, name)
    return value === undefined ? undefined : resolve(value)
  }
  const flags = { 'state-dir': path('state'), 'control-socket': path('socket') }
  return loadConfig({ file: text(options, 'config'), flags, ...(env && { env }) })
}

const marks = { ok: 'ok     ', warning: 'warning', problem: 'PROBLEM' } as const

function report({ findings, status }: Diagnosis): string {
  const width = Math.max(...findings.map(({ check }) => check.length))
  const lines = findings.map(finding => {
    const cure = finding.cure === null ? '' : `\n${' '.repeat(width + 11)}→ ${finding.cure}`
    return `${marks[finding.status]}  ${finding.check.padEnd(width)}  ${finding.message}${cure}`
  })
  const count = (wanted: string): number => findings.filter(finding => finding.status === wanted).length
  const summary =
    status === 'ok' ? 'Nothing to mend.' : `${count('problem')} problems, ${count('warning')} warnings.`
  return `${lines.join('\n')}\n\n${summary}\n`
}
