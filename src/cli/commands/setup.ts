import type { SetupView } from '../../wire/auth.ts'
import type { Command } from '../command.ts'
import { controlClient, daemonOptions } from '../local-config.ts'
import { flag } from '../option-values.ts'

export const setup: Command = {
  name: 'setup',
  summary: 'Show the code with which the first person claims the gateway',
  operands: '',
  operandCount: [0, 0],
  options: { json: { type: 'boolean', help: 'JSON' }, ...daemonOptions },
  examples: ['pixelgate setup', 'pixelgate setup --json'],
  async run(_operands, options, surroundings) {
    const view = await (await controlClient(options, surroundings)).get<SetupView>('/setup')
    const { stdout } = surroundings
    if (flag(options, 'json')) stdout.write(`${JSON.stringify(view)}\n`)
    else if (view.claimCode === undefined)
      stdout.write(
        `The gateway is claimed. Accounts are made in the panel or with: pixelgate user add NAME\n${certificateWords(view.tls)}`,
      )
    else
      stdout.write(
        `Claim code: ${view.claimCode}\n\n${certificateWords(view.tls)}Open the panel in a browser (the start of the gateway has said its address; usually\nhttps://pixelgate.local:8443 or https://ADDRESS:8443), choose a name and a password, and type the code.\nIt is good until somebody has claimed the gateway, or until the gateway starts again.\n`,
      )
    return 0
  },
}

/** For people who sit at the gateway or come over SSH: a way that nobody in the network can tamper with. */
function certificateWords(tls: SetupView['tls']): string {
  if (tls?.insecure) return 'The panel is not encrypted: whoever is in the network can read the password.\n\n'
  if (tls === undefined || tls.fingerprint === null) return ''
  const page = tls.landingUrl === null ? '' : `How to trust it: ${tls.landingUrl}\n`
  return `Certificate to trust (SHA-256):\n${tls.fingerprint}\n${page}\n`
}
