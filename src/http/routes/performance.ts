import { z } from 'zod'
import type { CpuProfiles } from '../../ops/cpu-profile.ts'
import type { Profiler } from '../../ops/profiler.ts'
import type { SlowStatements } from '../../ops/slow-statements.ts'
import { type PerformanceView, performanceView } from '../../wire/performance.ts'
import { bytes, json, type Operation, operation } from '../api/operation.ts'

export interface PerformanceDeps {
  readonly profiler: Profiler
  readonly slowStatements: SlowStatements
  readonly cpuProfiles: CpuProfiles
}

const maxProfileSeconds = 30

/** What takes how long; how the gateway works inside is a matter of admins. */
export const performanceOperations = ({
  profiler,
  slowStatements,
  cpuProfiles,
}: PerformanceDeps): readonly Operation[] => {
  const report = (): PerformanceView => {
    const { sinceMs, ...rest } = profiler.report()
    return {
      ...rest,
      since: new Date(sinceMs).toISOString(),
      slowStatements: slowStatements
        .list()
        .map(({ atMs, ...statement }) => ({ ...statement, at: new Date(atMs).toISOString() })),
    }
  }
  const isRunning = () => ({ running: profiler.running })
  return [
    operation({
      id: 'getPerformance',
      method: 'get',
      path: '/performance',
      tag: 'performance',
      summary: 'What takes how long, by operation',
      description:
        'Only operations that ran are told of. Percentiles come from buckets and are off by 3 % at most.',
      access: 'admin',
      answers: { 200: json(performanceView, 'Times, processor, memory, event loop and slow statements') },
      run: report,
    }),

    ...(
      [
        ['start', 'startProfiler', 'Go on measuring', () => profiler.start()],
        ['stop', 'stopProfiler', 'Stop measuring; the numbers stay', () => profiler.stop()],
        [
          'reset',
          'resetProfiler',
          'Begin at zero',
          () => {
            profiler.reset()
            slowStatements.clear()
          },
        ],
      ] as const
    ).map(([word, id, summary, act]) =>
      operation({
        id,
        method: 'post',
        path: `/performance/${word}`,
        tag: 'performance',
        summary,
        access: 'admin',
        answers: { 200: json(performanceView, 'The numbers as they then are') },
        run(call) {
          const before = isRunning()
          act()
          call.changed({ resource: 'performance', before, after: isRunning() })
          return report()
        },
      }),
    ),

    operation({
      id: 'makeCpuProfile',
      method: 'post',
      path: '/performance/cpu-profile',
      tag: 'performance',
      summary: 'Profile the processor time of the gateway',
      description:
        'Answers after these seconds with a .cpuprofile file, which the developer tools of a browser open. One at a time.',
      access: 'admin',
      body: z.strictObject({ seconds: z.number().min(0.1).max(maxProfileSeconds).default(10) }),
      answers: { 200: bytes('application/json', 'A .cpuprofile file of V8') },
      errors: ['conflict'],
      audited: false,
      repeatable: false,
      async stream(ctx, { body }) {
        const gone = new AbortController()
        ctx.res.once('close', () => gone.abort())
        const profile = await cpuProfiles.make(body.seconds, gone.signal)
        ctx.status = 200
        ctx.set('Content-Type', 'application/json')
        ctx.set('Content-Disposition', 'attachment; filename="pixelgate.cpuprofile"')
        ctx.set('Cache-Control', 'no-store')
        ctx.body = profile
      },
    }),
  ]
}
