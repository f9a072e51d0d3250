/** Mocha's own report, and the counts in a file for scripts/test.mjs. */
const { writeFileSync } = require('node:fs')
const { reporters } = require('mocha')

module.exports = class Reporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options)
    runner.once('end', () => {
      const { passes, failures, pending } = this.stats
      if (process.env.TEST_COUNTS) {
        writeFileSync(
          process.env.TEST_COUNTS,
          JSON.stringify({ passed: passes, failed: failures, skipped: pending }),
        )
      }
    })
  }
}
