interface Deps {
  readonly serverName: string
  mayFederate(serverName: string): boolean
}

/** Those of the servers that can be asked for something: others, with which we federate, each once, at most `limit`. */
export const askableServers = ({ serverName, mayFederate }: Deps, servers: Iterable<string>, limit: number): string[] =>
  [...new Set(servers)].filter((name) => name !== '' && name !== serverName && mayFederate(name)).slice(0, limit)
