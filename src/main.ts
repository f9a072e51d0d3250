#!/usr/bin/env node
import { runCommand } from './cli/run-command.ts'

process.exitCode = await runCommand(process.argv.slice(2))

// What could not be closed in time (a client that waits for a Redis that is gone) must not keep the process.
setTimeout(() => process.exit(), 200).unref()
