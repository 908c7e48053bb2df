import type { FaceParts, FaceState } from './app-faces.ts'
import { SystemStatus } from './app-system.ts'
import type { Operation } from './http/api/operation.ts'
import { alertOperations } from './http/routes/alerts.ts'
import { auditOperations } from './http/routes/audit.ts'
import { authOperations } from './http/routes/auth.ts'
import { backupOperations } from './http/routes/backups.ts'
import { batchOperations } from './http/routes/batch.ts'
import { boardOperations } from './http/routes/boards.ts'
import { breakerOperations } from './http/routes/breakers.ts'
import { cacheOperations } from './http/routes/cache.ts'
import { callbackOperations } from './http/routes/callbacks.ts'
import { debugOperations } from './http/routes/debug.ts'
import { eventOperations } from './http/routes/events.ts'
import { fileOperations } from './http/routes/files.ts'
import { gpioOperations } from './http/routes/gpio.ts'
import { healthOperations } from './http/routes/health.ts'
import { inviteOperations } from './http/routes/invites.ts'
import { jobEventOperations } from './http/routes/job-events.ts'
import { jobOperations } from './http/routes/jobs.ts'
import { liveOperations } from './http/routes/live.ts'
import { metricsOperations } from './http/routes/metrics.ts'
import { mqttUserOperations } from './http/routes/mqtt-users.ts'
import { documentOperations } from './http/routes/openapi.ts'
import { pairingOperations } from './http/routes/pairing.ts'
import { patternFileOperations } from './http/routes/pattern-files.ts'
import { patternOperations } from './http/routes/patterns.ts'
import { performanceOperations } from './http/routes/performance.ts'
import { portOperations } from './http/routes/ports.ts'
import { roomOperations } from './http/routes/rooms.ts'
import { secondFactorOperations } from './http/routes/second-factor.ts'
import { serialBridgeOperations } from './http/routes/serial-bridges.ts'
import { sessionOperations } from './http/routes/sessions.ts'
import { setupOperations } from './http/routes/setup.ts'
import { systemOperations } from './http/routes/system.ts'
import { tokenOperations } from './http/routes/tokens.ts'
import { upstreamOperations } from './http/routes/upstream.ts'
import { userOperations } from './http/routes/users.ts'
import { webhookOperations } from './http/routes/webhooks.ts'

/** What operations want to know of the table that they are in, once it is there. */
export interface OwnTable {
  readonly tags: () => ReadonlySet<string>
}

/** Everything that the API can do, in the order of its document. */
function apiOperations(parts: FaceParts, face: FaceState, own: OwnTable): readonly Operation[] {
  const { operations, insight, config, core, previews, accounts, mqttUsers, mqtt, chat, hub, credentials } =
    parts
  const { incoming, files } = face
  const { apiTokens, invites, audit, callbacks, webhooks } = credentials
  return [
    ...systemOperations(new SystemStatus({ ...parts, network: face.network })),
    ...setupOperations(accounts, face.network, config.http.guest),
    ...authOperations(accounts),
    ...secondFactorOperations(accounts),
    ...sessionOperations(accounts),
    ...userOperations(accounts),
    ...healthOperations(operations.health),
    ...metricsOperations(operations.metrics, operations.sampler, operations.history),
    ...alertOperations(operations.alerts),
    ...performanceOperations(insight),
    ...breakerOperations(insight.breakers),
    ...cacheOperations(face),
    ...backupOperations(operations.backups),
    ...liveOperations(hub),
    ...boardOperations(parts),
    ...pairingOperations(parts),
    ...portOperations(parts),
    ...serialBridgeOperations(parts),
    ...gpioOperations(parts),
    ...patternOperations({ core, incoming }),
    ...patternFileOperations({ core, previews, incoming }),
    ...fileOperations({ files }),
    ...jobOperations({ core }),
    ...jobEventOperations({ core }),
    ...eventOperations({ core }),
    ...tokenOperations({ apiTokens, accounts, tags: own.tags }),
    ...inviteOperations({ invites, panelUrl: () => face.network()?.url ?? null }),
    ...auditOperations(audit),
    ...callbackOperations({ callbacks, core }),
    ...webhookOperations(webhooks),
    ...batchOperations(),
    ...roomOperations({ chat }),
    ...mqttUserOperations({ users: mqttUsers, core, mqtt, authority: face.authority }),
    ...upstreamOperations(parts.upstream),
    ...(config.development ? debugOperations() : []),
  ]
}

/** The same with the document that is made of them. */
export function documentedOperations(parts: FaceParts, face: FaceState, own: OwnTable): readonly Operation[] {
  const all: readonly Operation[] = [...apiOperations(parts, face, own), ...documentOperations(() => all)]
  return all
}
