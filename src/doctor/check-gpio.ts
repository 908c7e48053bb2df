import { accessSync, constants, statSync } from 'node:fs'
import { type Check, fine, problem, warning } from './finding.ts'

/** Chips of the kernel and the tools that drive them. */
export const gpioCheck: Check = {
  name: 'gpio',
  async run({ config: { gpio }, machine }) {
    const chips = machine.names('dev').filter(name => /^gpiochip\d+$/.test(name))
    const tools = (await machine.run('gpiodetect', '--version'))?.stdout.split('\n')[0]?.trim()
    if (!gpio.enabled || gpio.backend === 'memory') {
      const words = gpio.enabled ? 'GPIO lines are in memory' : 'GPIO is not enabled'
      return [fine(`${words}; this machine has ${chips.length === 0 ? 'no chips' : chips.join(', ')}`)]
    }
    if (chips.length === 0) {
      const cure = 'set gpio.enabled to false, or load the driver of the chip'
      return [problem('GPIO is enabled, and the kernel shows no GPIO chip in /dev', cure)]
    }
    const found = chips.map(chip => {
      const path = machine.path(`dev/${chip}`)
      try {
        accessSync(path, constants.R_OK | constants.W_OK)
        return fine(`/dev/${chip} can be opened`)
      } catch {
        const group = machine.groupName(statSync(path, { throwIfNoEntry: false })?.gid ?? 0)
        const cure = `sudo usermod -aG ${group} ${machine.userName}, then sign in again`
        return problem(`${machine.userName} may not open /dev/${chip}; its group is ${group}`, cure)
      }
    })
    if (tools !== undefined) return [...found, fine(`the tools are installed: ${tools}`)]
    if (gpio.backend === 'onoff') return found
    const report = gpio.backend === 'gpiod' ? problem : warning
    return [...found, report('the tools of libgpiod are not installed', 'sudo apt-get install gpiod')]
  },
}
