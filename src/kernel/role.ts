export const roles = ['viewer', 'operator', 'admin'] as const

/** viewer looks; operator also acts on boards, jobs and patterns; admin also manages users and credentials. */
export type Role = (typeof roles)[number]
