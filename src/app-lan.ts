import { existsSync } from 'node:fs'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Accounts } from './account/accounts.ts'
import type { Broker } from './broker/start-broker.ts'
import type { Config } from './config/resolve-config.ts'
import { isLoopback } from './config/schema-parts.ts'
import { AllowedHosts, machineCalled } from './http/access/allowed-hosts.ts'
import { upgradeListener } from './http/access/check-upgrade.ts'
import { LanAccess } from './http/access/lan-access.ts'
import { TrustedProxies } from './http/access/trusted-proxies.ts'
import { createHttp, type HttpOptions } from './http/create-http.ts'
import { landingListener } from './http/landing/landing-listener.ts'
import { startLanServer } from './http/start-lan-server.ts'
import type { TlsSettings } from './http/tls/load-tls.ts'
import { TlsKeeper } from './http/tls/tls-keeper.ts'
import type { Clock } from './kernel/clock.ts'
import type { Closers } from './kernel/closers.ts'
import { AppError } from './kernel/errors.ts'
import type { Log } from './kernel/log.ts'
import type { Service } from './mdns/responder.ts'
import { type Mdns, startMdns } from './mdns/start-mdns.ts'
import type { TlsView } from './wire/tls.ts'
import type { LiveHub } from './ws/live-hub.ts'

export interface LanParts {
  readonly config: Config
  readonly clock: Clock
  readonly log: Log
  readonly closers: Closers
  readonly accounts: Pick<Accounts, 'authenticate'>
  readonly hub: LiveHub
  readonly broker: () => Broker | undefined
}

/** What the network sees of the gateway: the panel and the API, the page about the certificate, and a name. */
export interface Lan {
  /** How the gateway is reached, and what vouches for it. */
  tls(): TlsView
  /** Opens a listener of the broker with the certificate. Rejects with `address_in_use` or `config_invalid`. */
  openMqtt(at: { readonly host: string; readonly port: number }): Promise<void>
  /** The certificate of our own authority, to be trusted by clients; PEM. undefined: there is none. */
  authority(): string | undefined
  /** Resolves with the URL of the panel. Rejects with `address_in_use`. */
  open(http: Omit<HttpOptions, 'lan' | 'panelDir'>): Promise<string>
}

/** Built by Vite beside the program, whether it runs from dist or from the sources. */
const builtPanel = fileURLToPath(new URL('../dist/panel', import.meta.url))
/** The page about the certificate is read by a few people at a time. */
const landingConnections = { connections: 128, perAddress: 32 }

export function createLan(parts: LanParts): Lan {
  const { config, clock, log, closers, accounts, hub } = parts
  const { host, port, hosts: configured } = config.http
  let mdns: Mdns | undefined
  let hasLanding = false
  const machine = machineCalled(config.mdns.name, () => mdns?.name)
  const hosts = new AllowedHosts(configured, clock, machine)
  const keeperOf = (settings: TlsSettings) =>
    new TlsKeeper({ settings, stateDir: config.stateDir, clock, log, machine })
  const keeper = keeperOf(config.http)
  let opened: ReturnType<TlsKeeper['open']> | undefined
  const certificate = () => (opened ??= keeper.open())
  let ofBroker: TlsKeeper | undefined
  const proxies = new TrustedProxies(config.http.trustedProxies)

  async function openPanel(http: Omit<HttpOptions, 'lan' | 'panelDir'>): Promise<string> {
    const lan = new LanAccess(accounts, hosts, {
      corsOrigins: config.http.corsOrigins,
      proxies,
      guest: config.http.guest,
    })
    const panelDir = existsSync(join(builtPanel, 'index.html')) ? builtPanel : null
    const tls = await certificate()
    const server = await startLanServer({
      config: { host, port },
      listener: createHttp({ ...http, lan, panelDir }),
      upgrade: upgradeListener(lan, hub.handleUpgrade.bind(hub), hub, (request, socket, head, from) => {
        const broker = parts.broker()
        if (broker === undefined) socket.destroy()
        else broker.acceptWebSocket(request, socket, head, from)
      }),
      tls,
      strictTransport: config.http.tls === 'files',
      renew: show => keeper.watch(show),
      connections: {
        connections: config.http.maxConnections,
        perAddress: config.http.maxConnectionsPerAddress,
      },
      isExempt: address => proxies.has(address),
    })
    closers.add('HTTP server', async () => {
      // A server that closes waits for its WebSockets, which only the hub and the broker can end.
      await Promise.all([hub.stop(), parts.broker()?.stop()])
      await server.close()
    })
    log.info({ url: server.url, fingerprint: tls?.fingerprint ?? null }, 'the panel and the API are there')
    return server.url
  }

  /** The panel may be plain on loopback, or anywhere if it must; a listener that asks for TLS has it all the same. */
  async function keeperOfBroker(): Promise<TlsKeeper> {
    if ((await certificate()) !== undefined) return keeper
    if (ofBroker !== undefined) return ofBroker
    const { certFile, keyFile } = config.http
    const tls = certFile !== null && keyFile !== null ? 'files' : 'auto'
    const own = keeperOf({ ...config.http, tls, host: '0.0.0.0' })
    await own.open()
    ofBroker = own
    return own
  }

  async function openLanding(panelPort: number): Promise<void> {
    const { landingPort } = config.http
    if (landingPort === null || landingPort === 0 || keeper.current === undefined) return
    try {
      const server = await startLanServer({
        config: { host, port: landingPort },
        key: 'http.landingPort',
        listener: landingListener({ hosts, tls: () => keeper.current, port: panelPort }),
        tls: undefined,
        connections: landingConnections,
      })
      closers.add('landing page', () => server.close())
      hasLanding = true
      log.info({ url: server.url }, 'the page about the certificate is there')
    } catch (thrown) {
      const isNamed = config.origin.get('http.landingPort')?.layer !== 'default'
      if (isNamed || !(thrown instanceof AppError) || thrown.code !== 'address_in_use') throw thrown
      log.warn({ reason: thrown.message }, 'goes on without the page about the certificate')
    }
  }

  function openMdns(panelPort: number): void {
    const urls = parts.broker()?.urls ?? []
    const services = servicesOf(config.http, urls, panelPort, keeper.view().scheme)
    if (!config.mdns.enabled || services.length === 0) return
    mdns = startMdns({ clock, log, name: config.mdns.name, services, interfaces: () => networksOf(host) })
    const { stop } = mdns
    closers.add('multicast DNS', stop)
  }

  return {
    tls() {
      const name = mdns?.name === undefined ? machine.hostname() : `${mdns.name}.local`
      return {
        ...keeper.view(),
        landingUrl: hasLanding ? `http://${name}:${config.http.landingPort}/` : null,
      }
    },
    async openMqtt({ host, port }) {
      const keeper = await keeperOfBroker()
      const { current } = keeper
      if (current === undefined) throw new Error('there is no certificate')
      const { certificate, key } = current
      const tls = { certificate, key, watch: keeper.watch.bind(keeper) }
      await parts.broker()?.listen({ host, port, anonymous: false, tls })
    },
    authority: () => (keeper.current ?? ofBroker?.current)?.authority?.pem,
    async open(http) {
      const url = await openPanel(http)
      const { port: said, protocol } = new URL(url)
      // A URL leaves out the port of its scheme.
      const panelPort = said === '' ? (protocol === 'https:' ? 443 : 80) : Number(said)
      await openLanding(panelPort)
      openMdns(panelPort)
      return url
    },
  }
}

/** Of one address its own network alone: nobody listens at the others. */
function networksOf(host: string): ReturnType<typeof networkInterfaces> {
  const all = networkInterfaces()
  if (host === '0.0.0.0' || host === '::' || isIP(host) === 0) return all
  const named = Object.entries(all).map(([name, list = []]) => [
    name,
    list.filter(each => each.address === host),
  ])
  return Object.fromEntries(named)
}

/** As IANA has registered them. */
const mqttTypes = { mqtt: '_mqtt._tcp', mqtts: '_secure-mqtt._tcp' } as const

const isLoopbackUrl = (url: string): boolean => isLoopback(new URL(url).hostname.replace(/^\[|\]$/g, ''))

/** What neighbours can reach, as DNS-SD calls it. */
function servicesOf(
  http: Config['http'],
  mqttUrls: readonly string[],
  panelPort: number,
  scheme: 'http' | 'https',
): readonly Service[] {
  const panel = isLoopback(http.host) ? [] : [{ type: `_${scheme}._tcp`, port: panelPort, texts: ['path=/'] }]
  const brokers = (['mqtt', 'mqtts'] as const).flatMap(kind => {
    const url = mqttUrls.find(each => new URL(each).protocol === `${kind}:` && !isLoopbackUrl(each))
    return url === undefined ? [] : [{ type: mqttTypes[kind], port: Number(new URL(url).port), texts: [] }]
  })
  return [...panel, ...brokers]
}
