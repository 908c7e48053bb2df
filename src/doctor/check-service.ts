import { type Check, fine, problem, warning } from './finding.ts'

const unit = 'pixelgate.service'
const properties = ['LoadState', 'ActiveState', 'UnitFileState', 'Result', 'NRestarts']

/** The systemd service: installed, enabled, running. */
export const serviceCheck: Check = {
  name: 'service',
  async run({ machine, daemon }) {
    const shown = await machine.run('systemctl', 'show', unit, `--property=${properties.join(',')}`)
    if (shown === undefined || shown.status !== 0)
      return [fine('systemd does not run here; the daemon has to be started by other means')]
    const lines = shown.stdout.split('\n').map(line => line.split('=') as [string, string | undefined])
    const value = new Map(lines)
    const state = value.get('ActiveState') ?? 'unknown'
    if (value.get('LoadState') !== 'loaded') {
      if (value.get('LoadState') === 'masked')
        return [problem(`${unit} is masked`, `sudo systemctl unmask ${unit}`)]
      return [
        warning(`${unit} is not installed: the gateway does not start by itself`, 'sudo scripts/install.sh'),
      ]
    }
    if (state === 'failed') {
      const why = value.get('Result') ?? 'unknown'
      return [problem(`${unit} has failed (${why})`, 'its log says why: journalctl -u pixelgate -n 50')]
    }
    const findings = []
    const restarts = Number(value.get('NRestarts') ?? 0)
    if (state === 'active') findings.push(fine(`${unit} is running`))
    else if (daemon.runs) findings.push(warning('a daemon runs outside the service', 'stop one of the two'))
    else findings.push(warning(`${unit} is ${state}`, 'sudo systemctl start pixelgate'))
    if (restarts > 0)
      findings.push(
        warning(`systemd had to restart it ${restarts} times`, 'journalctl -u pixelgate says why'),
      )
    if (value.get('UnitFileState') === 'disabled')
      findings.push(warning(`${unit} does not start with the machine`, 'sudo systemctl enable pixelgate'))
    return findings
  },
}
