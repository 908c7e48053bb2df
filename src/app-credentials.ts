import type { Accounts } from './account/accounts.ts'
import { isApiToken } from './account/api-token-secret.ts'
import { ApiTokens } from './account/api-tokens.ts'
import { AuditLog } from './account/audit-log.ts'
import { Invites } from './account/invites.ts'
import type { MqttPrincipal } from './account/mqtt-users.ts'
import type { Principal } from './account/principal.ts'
import { connectWebhooks, runCallback } from './app-callbacks.ts'
import { callbacksVault } from './app-secrets.ts'
import type { Denial } from './broker/refusals.ts'
import { Callbacks } from './callback/callbacks.ts'
import type { Sealing } from './callback/sealing.ts'
import { Webhooks } from './callback/webhooks.ts'
import type { Config } from './config/resolve-config.ts'
import type { Breakers } from './guard/breakers.ts'
import { LastingAnswers } from './http/api/lasting-answers.ts'
import type { SuspiciousRequest } from './http/middleware/suspicions.ts'
import type { Clock } from './kernel/clock.ts'
import type { Closers } from './kernel/closers.ts'
import type { Log } from './kernel/log.ts'
import { redact } from './ops/redact.ts'
import type { Store } from './store/store.ts'
import type { ToolUse } from './tools/tool.ts'
import type { GatewayCore } from './upload/gateway-core.ts'
import { version } from './version.ts'
import type { CommandResultView } from './wire/mqtt.ts'
import type { LiveHub } from './ws/live-hub.ts'

export interface CredentialParts {
  readonly config: Config
  readonly clock: Clock
  readonly log: Log
  readonly closers: Closers
  readonly store: Store
  readonly core: GatewayCore
  readonly hub: LiveHub
  readonly accounts: Accounts
  readonly breakers: Breakers
}

export interface Credentials {
  readonly apiTokens: ApiTokens
  readonly invites: Invites
  readonly audit: AuditLog
  readonly callbacks: Callbacks
  readonly webhooks: Webhooks
  readonly lasting: LastingAnswers
  /** Whose token it is: of a session or of a program. */
  readonly authenticate: (token: string) => Promise<Principal | undefined>
}

/** API tokens, invitations, the audit log, signed calls in and out. */
export async function startCredentials(parts: CredentialParts): Promise<Credentials> {
  const { config, clock, log, closers, store, core, hub, accounts, breakers } = parts
  const audit = new AuditLog({ store, clock, log, redact })
  closers.add('audit log', () => audit.stop())
  auditSignIns(accounts, audit)
  const apiTokens = new ApiTokens({ store, clock, log })
  const lasting = new LastingAnswers(clock)
  closers.add('answers that go on', () => lasting.stop())
  connectAccess(accounts, apiTokens, { hub, lasting })
  const sealing = sealingOf(config, store)
  const callbacks = new Callbacks({
    ...{ store, clock, log, sealing },
    act: call => runCallback({ core, clock }, call),
    done: ({ callback, messageId, order }, outcome) =>
      void audit.record({
        ...{ action: 'runCallback', resource: `callbacks/${callback.id}`, outcome, requestId: messageId },
        principal: { kind: 'callback', id: callback.id, name: callback.name, role: 'operator' },
        after: { action: order.action, boards: order.boards },
        ...{ address: 'callback', agent: '' },
      }),
  })
  const { allowHosts } = config.webhooks
  const agent = `pixelgate/${version}`
  const webhooks = await Webhooks.open({ store, clock, log, sealing, breakers, agent, allowHosts })
  closers.add('webhooks', () => webhooks.stop())
  closers.add('webhook events', connectWebhooks(core, webhooks))
  return {
    ...{ apiTokens, audit, callbacks, webhooks, lasting, invites: new Invites({ store, accounts, clock }) },
    authenticate: token => (isApiToken(token) ? apiTokens : accounts).authenticate(token),
  }
}

interface Open {
  readonly hub: LiveHub
  readonly lasting: LastingAnswers
}

/** A program is never more than its person is, and goes with it; what stays open beyond a request ends with its access. */
function connectAccess(accounts: Accounts, tokens: ApiTokens, { hub, lasting }: Open): void {
  const end = (userId: string, signInId: string | null, reason?: string) => {
    hub.disconnectUser(userId, signInId, reason)
    lasting.end(({ id, signInId: own }) => id === userId && (signInId === null || own === signInId))
  }
  accounts.events.on('signIn.ended', ({ userId, signInId }) => {
    if (signInId === null) tokens.forgetUser(userId)
    end(userId, signInId)
  })
  accounts.events.on('user.removed', ({ id }) => tokens.forgetUser(id))
  accounts.events.on('user.changed', ({ before, after }) => {
    tokens.forgetUser(after.id)
    // What a token has opened ends with the account's sessions; the rest keeps the role that it began with.
    if (after.disabled) end(after.id, null)
    else if (before.role !== after.role) end(after.id, null, 'Your role has changed')
  })
  tokens.events.on('token.ended', ({ userId, signInId }) => end(userId, signInId))
}

function auditSignIns(accounts: Accounts, audit: AuditLog): void {
  accounts.events.on('signIn.tried', ({ outcome, name, userId, address, agent }) => {
    void audit.record({
      ...{ action: 'signIn', resource: 'auth/sign-in', outcome, address, agent, requestId: null },
      principal: { kind: outcome === 'ok' ? 'user' : 'stranger', id: userId ?? null, name: name ?? null },
    })
  })
}

/** Input that looks like an attack; the log keeps few of those that need no account. */
export const auditSuspicion =
  (audit: AuditLog) =>
  ({ suspicion, principal, method, path, host, origin, ...from }: SuspiciousRequest): void =>
    void audit.record({
      ...{ action: 'suspicion', resource: `${method} ${path}`, outcome: suspicion, principal, ...from },
      after: { host, origin },
    })

/** What people tell the gateway to do in the chat. */
export const auditTool =
  (audit: AuditLog) =>
  ({ tool, principal, input, outcome }: ToolUse): void =>
    void audit.record({
      ...{ action: 'chatCommand', resource: `chat/${tool}`, outcome, principal, after: input },
      ...{ address: 'chat', agent: '', requestId: null },
    })

/** What programs tell it over MQTT. */
export const auditMqttCommand =
  (audit: AuditLog) =>
  ({ name, access }: MqttPrincipal, topic: string, { ok, code, results, jobs }: CommandResultView): void =>
    void audit.record({
      ...{ action: 'mqttCommand', resource: topic, outcome: ok ? 'ok' : (code ?? 'internal') },
      principal: { kind: 'mqtt', id: null, name: name === '' ? access : name },
      after: { boards: results?.length, jobs: jobs?.map(({ id }) => id) },
      ...{ address: 'mqtt', agent: '', requestId: null },
    })

/** Clients of the broker that were not let in, or kept on sending what they may not; the log keeps few of strangers. */
export const auditMqttDenial =
  (audit: AuditLog, onWrongSecret: () => void) =>
  ({ kind, address, user, known, returnCode }: Denial): void => {
    if (returnCode === 4) onWrongSecret()
    void audit.record({
      ...{ action: kind === 'connect' ? 'mqttConnect' : 'mqttFlood', resource: 'mqtt', address, agent: '' },
      outcome: returnCode === 4 ? 'unauthenticated' : 'forbidden',
      principal: { kind: known ? 'mqtt' : 'stranger', id: null, name: user },
      requestId: null,
    })
  }

/** Its key file is made with the first secret. */
function sealingOf(config: Config, store: Store): Sealing {
  const vault = callbacksVault(config.stateDir)
  return {
    async seal(owner, secret) {
      const some = await Promise.all([store.callbacks.some(), store.webhooks.some()])
      return vault.seal(owner, Buffer.from(secret), !some.includes(true))
    },
    open: (owner, sealed) => Buffer.from(vault.open(owner, sealed)).toString(),
  }
}
