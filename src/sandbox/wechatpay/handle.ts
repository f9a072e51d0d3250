/** What each call goes through before its own part: the signature, the headers that are needed, the rate; then its answer. */
import type { Request, RequestHandler, Response } from 'express'
import type { Logger } from '../../telemetry/logger.ts'
import { type Answered, asAnswer, type Send } from './answer.ts'
import { findHeaderProblem, findProblem, type Merchant } from './authorisation.ts'
import { problems } from './problem.ts'
import type { Rate } from './rate.ts'
import type { Turn } from './turn.ts'

/** Of an answer that goes wrong: how. */
export type Outcome = Answered & { turn?: Turn | undefined }

export interface Received {
  req: Request
  body: Uint8Array
  serial: string | undefined
}

export type Handler = (received: Received) => Outcome | Promise<Outcome>

export interface HandleDeps {
  merchant: Merchant
  rate: Rate
  send: Send
  clock: () => number
  logger: Logger
}

export function createHandle({ merchant, rate, send, clock, logger }: HandleDeps) {
  return (call: string, handler: Handler): RequestHandler => {
    async function answer(req: Request): Promise<Outcome> {
      const body = Buffer.isBuffer(req.body) ? req.body : new Uint8Array()
      const header = (name: string) => req.get(name)
      const request = { method: req.method, pathAndQuery: req.originalUrl, body, header }
      const problem = findProblem(request, merchant, clock()) ?? findHeaderProblem(request)
      if (problem) return asAnswer(problem)
      if (!rate.takes(call)) return asAnswer(problems.tooFrequent)
      return handler({ req, body, serial: header('wechatpay-serial') })
    }
    return async (req, res) => {
      const outcome = await answer(req)
      logger.debug('sandbox.answered', { call, status: outcome.status, turn: outcome.turn })
      finish(req, res, outcome, send)
    }
  }
}

function finish(req: Request, res: Response, outcome: Outcome, send: Send): void {
  // The caller gives up; with it goes the connection.
  if (outcome.turn !== 'silent') send(req, res, asTurned(outcome))
}

function asTurned(outcome: Outcome): Answered {
  switch (outcome.turn) {
    case 'too-many-requests':
      return asAnswer(problems.tooFrequent)
    case 'server-error':
    case 'server-error-after-accepting':
      return asAnswer(problems.system)
    case 'refused':
      return asAnswer(problems.notEnough)
    case 'unsigned':
    case 'probe':
      return { ...outcome, manner: outcome.turn }
    default:
      return outcome
  }
}

/** Nothing was done for these. */
export function isTurnedAway(turn: Turn): boolean {
  return turn === 'too-many-requests' || turn === 'server-error' || turn === 'refused'
}
