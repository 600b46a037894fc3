import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** Milliseconds to long polls, in seconds. */
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30]
const EVENT_LOOP_PRECISION_MS = 10

/** Records one answered request of the operation it was made for. */
export type RecordRequest = (status: number, ms: number) => void

/**
 * The process itself: CPU, memory, garbage collection, event-loop delay and its percentiles. Once for all its servers:
 * what watches the process never ends, and would hold each of them after its end.
 */
function numbersOfProcess(): Registry {
  if (!ofProcess) {
    ofProcess = new Registry()
    collectDefaultMetrics({ register: ofProcess, eventLoopMonitoringPrecision: EVENT_LOOP_PRECISION_MS })
  }
  return ofProcess
}
let ofProcess: Registry | undefined

/**
 * The numbers that Prometheus collects. Services register what they can tell; a gauge is read when somebody asks, so
 * that it costs nothing between.
 */
export class Metrics {
  readonly #registry = new Registry()
  readonly #process = numbersOfProcess()
  readonly #requests: Counter<'operation' | 'status'>
  readonly #durations: Histogram<'operation'>

  constructor() {
    const registers = [this.#registry]
    this.#requests = new Counter({
      name: 'bongsu_http_requests_total',
      help: 'Requests answered, by operation and class of status',
      labelNames: ['operation', 'status'],
      registers,
    })
    this.#durations = new Histogram({
      name: 'bongsu_http_request_seconds',
      help: 'Time from a request to its answer, by operation',
      labelNames: ['operation'],
      buckets: SECONDS,
      registers,
    })
  }

  /** Counts the requests of one operation. Bound once for each route, because it is called for each request. */
  requestRecorder(operation: string): RecordRequest {
    const durationLabels = { operation }
    const byClass = ['1xx', '2xx', '3xx', '4xx', '5xx'].map((status) => ({ operation, status }))
    return (status, ms) => {
      this.#durations.observe(durationLabels, ms / 1000)
      const labels = byClass[Math.floor(status / 100) - 1]
      if (labels) this.#requests.inc(labels)
    }
  }

  /** A number that goes up and down: `read` is called at each collection. */
  gauge(name: string, help: string, read: () => number): void {
    const registers = [this.#registry]
    const gauge: Gauge = new Gauge({ name: `bongsu_${name}`, help, registers, collect: () => gauge.set(read()) })
  }

  /** One number for each value of a label: the lag of each destination, the hit rate of each cache. */
  gauges(name: string, help: string, label: string, read: () => Iterable<readonly [string, number]>): void {
    const gauge: Gauge = new Gauge({
      name: `bongsu_${name}`,
      help,
      labelNames: [label],
      registers: [this.#registry],
      collect: () => {
        gauge.reset()
        for (const [value, number] of read()) gauge.set({ [label]: value }, number)
      },
    })
  }

  /** A number that only goes up: the function adds to it. */
  counter(name: string, help: string): (by?: number) => void {
    const counter = new Counter({ name: `bongsu_${name}`, help, registers: [this.#registry] })
    return (by = 1) => counter.inc(by)
  }

  /** Durations, in milliseconds: the function records one. */
  timer(name: string, help: string): (ms: number) => void {
    const histogram = new Histogram({
      name: `bongsu_${name}_seconds`,
      help,
      buckets: SECONDS,
      registers: [this.#registry],
    })
    return (ms) => histogram.observe(ms / 1000)
  }

  /** Prometheus' text format. */
  async collect(): Promise<string> {
    return (await this.#process.metrics()) + (await this.#registry.metrics())
  }

  get contentType(): string {
    return this.#registry.contentType
  }
}
