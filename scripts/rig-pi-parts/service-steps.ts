import { daemonPid, unitProperties } from './daemon-facts.ts'
import { until } from './guest.ts'
import type { Machine } from './machine.ts'
import type { Report } from './report.ts'

/** Of `systemd-analyze security`, 0 to 10. */
const mostExposure = 2
/** An emulated core does in a minute what a Pi does in three seconds. */
const startTimeoutSeconds = 300
const watchdogSeconds = 30

export const installed = 'the installer puts the unit in place, and it says that it is ready'

interface Finding {
  readonly check: string
  readonly status: string
  readonly message: string
}

/** The unit of the repository, installed by its own script on a real systemd. */
export async function runServiceSteps(report: Report, machine: Machine): Promise<void> {
  const { guest } = machine
  const booted = 'Debian 12 boots on the emulated machine'
  await report.step(booted, 90_000, async () => {
    await guest.run('mount -o ro /dev/vdb /srv/pixelgate')
    const state = await until(
      async () => /running|degraded/.exec((await guest.shell('systemctl is-system-running')).out)?.[0],
      'the boot to end',
      80_000,
    )
    if (state !== 'running') throw new Error(await guest.run('systemctl --failed --no-legend'))
    const versions = await guest.run(
      'uname -rm; systemctl --version | head -1 | cut -d" " -f1-2; node --version; gpiodetect --version | head -1',
    )
    return `${(machine.bootMs / 1000).toFixed(1)} s; ${versions.replaceAll('\n', ', ')}`
  })

  await report.step(
    installed,
    400_000,
    async () => {
      await guest.run(
        `mkdir -p /etc/systemd/system/pixelgate.service.d
         printf '[Service]\\nTimeoutStartSec=${startTimeoutSeconds}\\n' >/etc/systemd/system/pixelgate.service.d/rig.conf`,
      )
      const said = await guest.run('/srv/pixelgate/scripts/install.sh 2>&1', 390_000)
      const unit = await unitProperties(guest, 'Type', 'ActiveState', 'StatusText', 'MemoryCurrent')
      if (unit.get('Type') !== 'notify' || unit.get('ActiveState') !== 'active')
        throw new Error(`${[...unit].join(' ')}\n${said}`)
      return `Type=notify, "${unit.get('StatusText')}", ${(Number(unit.get('MemoryCurrent')) / 2 ** 20).toFixed(0)} MiB`
    },
    [booted],
  )

  await report.step(
    'sysusers, tmpfiles and systemd have made user, groups and folders',
    30_000,
    async () => {
      const said = await guest.run(`
        id -nG pixelgate | tr ' ' '\\n' | sort | tr '\\n' ' '; echo
        stat -c '%a %U:%G %n' /var/lib/pixelgate /run/pixelgate /run/pixelgate/control.sock /etc/pixelgate/config.json
        stat -c '%a %U %n' /var/lib/pixelgate/gateway.db
        stat -c '%a %U:%G %n' /dev/gpiochip0`)
      const wanted = [
        'dialout gpio pixelgate plugdev ',
        '750 pixelgate:pixelgate /var/lib/pixelgate',
        '750 pixelgate:pixelgate /run/pixelgate',
        '660 pixelgate:pixelgate /run/pixelgate/control.sock',
        '640 root:pixelgate /etc/pixelgate/config.json',
        '600 pixelgate /var/lib/pixelgate/gateway.db',
        '660 root:gpio /dev/gpiochip0',
      ].join('\n')
      if (said !== wanted) throw new Error(`wanted\n${wanted}\nfound\n${said}`)
      return said.split('\n').slice(1, 4).join(', ')
    },
    [installed],
  )

  await report.step(
    'the fences hold around the process that runs',
    60_000,
    async () => {
      const pid = await daemonPid(guest)
      const exposure = Number(
        /Overall exposure level.*: ([\d.]+)/.exec(
          await guest.run('systemd-analyze security --no-pager pixelgate.service'),
        )?.[1],
      )
      if (!(exposure <= mostExposure)) throw new Error(`exposure ${exposure}`)
      const status = await guest.run(`grep -E '^(Uid|CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/${pid}/status`)
      for (const pattern of [/^CapEff:\s+0+$/m, /^CapBnd:\s+0+$/m, /^NoNewPrivs:\s+1$/m, /^Seccomp:\s+2$/m])
        if (!pattern.test(status)) throw new Error(status)
      if (/^Uid:\s+0\s/m.test(status)) throw new Error('the daemon runs as root')
      // Seen from its own mounts, even root may not write.
      const inside = (script: string) => guest.shell(`nsenter --mount --target ${pid} -- bash -c '${script}'`)
      for (const path of ['/etc/rig', '/usr/lib/pixelgate/rig', '/sys/class/gpio/export']) {
        const { status: ended, err } = await inside(`echo 3 >${path}`)
        if (ended === 0 || !/Read-only file system/.test(err)) throw new Error(`${path}: ${err}`)
      }
      // From its own control group, even root may not open the disk; the GPIO chip it may.
      const group = '/sys/fs/cgroup/system.slice/pixelgate.service/cgroup.procs'
      const { status: ended, err } = await guest.shell(`echo $$ >${group}; exec head -c1 /dev/vda`)
      if (ended === 0 || !/Operation not permitted/.test(err)) throw new Error(`/dev/vda: ${ended} ${err}`)
      await guest.run(`echo $$ >${group}; exec 3<>/dev/gpiochip0`)
      return `exposure ${exposure}; no capability, seccomp, /etc, /usr and /sys read-only, disks closed`
    },
    [installed],
  )

  await report.step(
    'doctor finds no problem',
    240_000,
    async () => {
      const { out } = await guest.shell('pixelgate doctor --json', 230_000)
      const { findings } = JSON.parse(out) as { readonly findings: readonly Finding[] }
      // The emulator shares its processor with whatever else runs: that the loop is late says nothing of the gateway.
      const late = (message: string) => message.startsWith('event-loop:')
      const problems = findings.filter(({ status, message }) => status === 'problem' && !late(message))
      if (problems.length > 0) throw new Error(problems.map(({ message }) => message).join('; '))
      const others = findings.filter(({ status }) => status !== 'ok').map(({ message }) => message)
      return `${findings.length} findings; no problem but: ${others.join('; ') || 'nothing'}`
    },
    [installed],
  )
}

/** Last of all: it takes the daemon away for a minute. */
export async function runWatchdogStep(report: Report, { guest }: Machine): Promise<void> {
  await report.step(
    'a daemon that stands still is ended by the watchdog and starts anew',
    400_000,
    async () => {
      const pid = await daemonPid(guest)
      const before = await unitProperties(guest, 'NRestarts')
      const startMs = performance.now()
      await guest.run(`kill -STOP ${pid}`)
      await until(
        async () => (await daemonPid(guest)) !== pid,
        'systemd to notice',
        (watchdogSeconds + 60) * 1000,
        500,
      )
      const noticedMs = performance.now() - startMs
      const after = await until(
        async () => {
          const unit = await unitProperties(guest, 'ActiveState', 'NRestarts', 'StatusText')
          return unit.get('ActiveState') === 'active' && unit
        },
        'the daemon to be ready again',
        startTimeoutSeconds * 1000,
        1_000,
      )
      if (Number(after.get('NRestarts')) !== Number(before.get('NRestarts')) + 1)
        throw new Error(`${before.get('NRestarts')} restarts before, ${after.get('NRestarts')} after`)
      const journal = await guest.run(
        'journalctl -u pixelgate --no-pager -o cat | grep -i watchdog | tail -2',
      )
      if (!/Watchdog timeout/.test(journal)) throw new Error(`the journal says: ${journal}`)
      return `ended after ${(noticedMs / 1000).toFixed(0)} s, ready again after ${((performance.now() - startMs) / 1000).toFixed(0)} s; "${journal.split('\n')[0]}"`
    },
    [installed],
  )
}
